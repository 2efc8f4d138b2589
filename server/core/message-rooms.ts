/**
 * Memory for messages that come in, used again and again. A large message in a buffer of its own is garbage that V8 only
 * finds by going through the whole heap, and a server that takes a hundred of them a second does little else.
 */

/** A room has at most so many bytes more than was asked for, so that messages of about one size share rooms. */
const STEP = 1024;

/** Rooms of no more bytes than this are kept: about a batch of large requests. */
const MOST_IDLE_BYTES = 32 << 20;

export class MessageRooms {
  /** By their size. */
  readonly #idle = new Map<number, ArrayBuffer[]>();
  #idleBytes = 0;

  /** A room of at least so many bytes, with anything in it. Whoever takes it need not give it back. */
  take(bytes: number): ArrayBuffer {
    const size = Math.ceil(bytes / STEP) * STEP;
    const room = this.#idle.get(size)?.pop();
    if (room === undefined) return Buffer.allocUnsafeSlow(size).buffer as ArrayBuffer;
    this.#idleBytes -= size;
    return room;
  }

  /** Takes back what nobody looks at any more. */
  giveBack(room: ArrayBuffer): void {
    const size = room.byteLength;
    if (size % STEP !== 0 || size === 0 || size > MOST_IDLE_BYTES) return;
    // Sizes that nobody asks for any more must not keep out the others.
    if (this.#idleBytes + size > MOST_IDLE_BYTES) this.#clear();
    const rooms = this.#idle.get(size);
    if (rooms === undefined) this.#idle.set(size, [room]);
    else rooms.push(room);
    this.#idleBytes += size;
  }

  #clear(): void {
    this.#idle.clear();
    this.#idleBytes = 0;
  }
}

/** Rooms beyond this are left to the garbage collector. */
const MOST_FREE = 32;

/**
 * Memory for pictures that instances keep, used again and again. The garbage collector does not see how large shared
 * buffers are, and would let gigabytes of them pile up.
 */
export class PictureRooms {
  readonly #free: SharedArrayBuffer[] = [];

  /** A room of any size; null: the instance makes one. */
  take(): SharedArrayBuffer | null {
    return this.#free.pop() ?? null;
  }

  /** Gives a room back, whoever made it. */
  give(room: SharedArrayBuffer): void {
    if (this.#free.length < MOST_FREE) this.#free.push(room);
  }
}

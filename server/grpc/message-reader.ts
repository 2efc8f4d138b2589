import type { ServerInterceptor } from '@grpc/grpc-js';
import { ServingError } from '../core/errors.js';
import type { MessageRooms } from '../core/message-rooms.js';

/** The flag of compression and the length, in front of every message. */
const HEAD_BYTES = 5;

/** Smaller messages are not worth a room. */
const LEAST_ROOM_BYTES = 32_768;

/** Of a larger one memory is taken as it comes in, and not as it is announced. */
const MOST_ROOM_BYTES = 4 << 20;

/** Where elements of every type may begin. */
const WIDEST = 8;

/** What a call of grpc-js puts its messages together with. */
type Decoder = Pick<MessageReader, 'write'>;

/**
 * Puts the messages of a call together from the chunks that come in: into rooms, in one copy, and each with its end where
 * a tensor's may be. So raw contents, which are the last field, begin where their elements may.
 */
export class MessageReader {
  readonly #rooms: MessageRooms;
  readonly #mostBytes: number;
  readonly #head = Buffer.alloc(HEAD_BYTES);
  /** How much of the message is here, its head included. */
  #read = 0;
  /** Head included. */
  #length = 0;
  /** Null: the message has not begun, or it comes in chunks. */
  #room: Buffer | null = null;
  #chunks: Buffer[] = [];

  constructor(rooms: MessageRooms, mostBytes: number) {
    this.#rooms = rooms;
    this.#mostBytes = mostBytes;
  }

  /** The messages that are complete with this chunk, each with its head. Throws when one is announced that is too long. */
  write(chunk: Buffer): Buffer[] {
    const messages: Buffer[] = [];
    let at = 0;
    while (at < chunk.length) {
      at += this.#read < HEAD_BYTES ? this.#takeHead(chunk, at) : this.#takeBody(chunk, at);
      if (this.#read >= HEAD_BYTES && this.#read === this.#length) messages.push(this.#complete());
    }
    return messages;
  }

  #takeHead(chunk: Buffer, start: number): number {
    const taken = chunk.copy(this.#head, this.#read, start, start + HEAD_BYTES - this.#read);
    this.#read += taken;
    if (this.#read === HEAD_BYTES) this.#begin(this.#head.readUInt32BE(1));
    return taken;
  }

  #begin(bytes: number): void {
    if (bytes > this.#mostBytes) {
      throw new Error(`the message has ${bytes} bytes, and --max-message-bytes lets in ${this.#mostBytes}`);
    }
    this.#length = HEAD_BYTES + bytes;
    if (this.#length > MOST_ROOM_BYTES) this.#chunks = [Buffer.from(this.#head)];
    else {
      this.#room = this.#place();
      this.#head.copy(this.#room);
    }
  }

  #place(): Buffer {
    const length = this.#length;
    if (length < LEAST_ROOM_BYTES) return Buffer.allocUnsafe(length);
    const start = (WIDEST - (length % WIDEST)) % WIDEST;
    return Buffer.from(this.#rooms.take(start + length), start, length);
  }

  #takeBody(chunk: Buffer, start: number): number {
    const end = Math.min(chunk.length, start + this.#length - this.#read);
    if (this.#room === null) this.#chunks.push(chunk.subarray(start, end));
    else chunk.copy(this.#room, this.#read, start, end);
    this.#read += end - start;
    return end - start;
  }

  #complete(): Buffer {
    const message = this.#room ?? this.#join();
    this.#read = 0;
    this.#room = null;
    this.#chunks = [];
    return message;
  }

  #join(): Buffer {
    const message = this.#place();
    let at = 0;
    for (const chunk of this.#chunks) at += chunk.copy(message, at);
    return message;
  }
}

/** Has the messages of all calls put together here; grpc-js has no other way to say so. */
export function readIntoRooms(rooms: MessageRooms, mostBytes: number): ServerInterceptor {
  return (_method, call) => {
    const replaced = call as unknown as { decoder: Decoder | undefined };
    if (typeof replaced.decoder?.write !== 'function') {
      throw new ServingError('INTERNAL', 'this version of @grpc/grpc-js reads messages elsewhere');
    }
    replaced.decoder = new MessageReader(rooms, mostBytes);
    // What grpc-js hands on is what it wants back.
    return call as ReturnType<ServerInterceptor>;
  };
}

import { quoted, ServingError } from '../core/errors.js';
import type { SharedPlace, SharedRegion, SharedRoom } from '../core/shared-memory.js';

/** Most bytes of a place, as of a message: a segment full of holes can be as long as it likes, and what is read cannot. */
const LONGEST_PLACE = 2 ** 30;

/** The memory behind a region. Offsets count from the start of the region, and end in it. */
export interface RegionMemory {
  /** Throws INVALID_REQUEST where the memory has become so short by now that it ends before this many bytes. */
  requireBytes(count: number): void;
  /** Fills all of `out`. Throws as `requireBytes`, or DEVICE_LOST. */
  read(from: number, out: Uint8Array): void;
  /** Throws INVALID_REQUEST where the memory does not take it, or DEVICE_LOST. */
  write(from: number, data: Uint8Array): void;
  close(): void;
}

/** A region and its memory, which stays open until nobody writes there any more. */
export class OpenRegion {
  readonly region: SharedRegion;
  readonly #memory: RegionMemory;
  /** Rooms that may still be written. */
  #rooms = 0;
  /** Called when the last room is gone; null: the region is not being closed. */
  #onIdle: (() => void) | null = null;

  /** Owns the memory. */
  constructor(region: SharedRegion, memory: RegionMemory) {
    this.region = region;
    this.#memory = memory;
  }

  read(place: SharedPlace): Uint8Array {
    this.#require(place);
    // Not of Node's pool: it moves to a worker.
    const data = Buffer.allocUnsafeSlow(place.byteSize);
    this.#memory.read(place.offset, data);
    return data;
  }

  reserve(place: SharedPlace): SharedRoom {
    this.#require(place);
    this.#rooms += 1;
    let held = true;
    return {
      place,
      write: (data) => this.#write(place, data),
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        this.#rooms -= 1;
        if (this.#rooms === 0) this.#onIdle?.();
      },
    };
  }

  /** Resolves when the memory is closed. */
  async close(): Promise<void> {
    if (this.#rooms > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    this.#memory.close();
  }

  #write(place: SharedPlace, data: Uint8Array): void {
    if (data.length > place.byteSize) {
      throw invalidRegion(
        this.region,
        `is to take an output of ${data.length} bytes, and the request gives it ${place.byteSize} there`,
      );
    }
    // To write beyond the end of a segment would lengthen it.
    this.#require(place);
    this.#memory.write(place.offset, data);
  }

  /** Throws INVALID_REQUEST where the region, or by now its memory, ends before the place does. */
  #require({ offset, byteSize }: SharedPlace): void {
    const { region } = this;
    if (!isBytes(offset) || !isBytes(byteSize) || offset + byteSize > region.byteSize) {
      throw invalidRegion(
        region,
        `has ${region.byteSize} bytes, and the request names ${byteSize} of them from ${offset} on; shared_memory_offset ` +
          'counts from the start of the region',
      );
    }
    if (byteSize > LONGEST_PLACE) {
      throw invalidRegion(region, `is to give or take ${byteSize} bytes for one tensor; ${LONGEST_PLACE} are the most`);
    }
    this.#memory.requireBytes(offset + byteSize);
  }
}

/** What is wrong with a region, or with what a request wants of it. */
export function invalidRegion({ name }: SharedRegion, what: string, cause?: unknown): ServingError {
  return new ServingError('INVALID_REQUEST', `region ${quoted(name)} of shared memory ${what}`, { cause });
}

export function isBytes(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

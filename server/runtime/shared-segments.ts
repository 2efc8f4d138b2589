import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { errorMessage, quoted, ServingError } from '../core/errors.js';
import {
  regionExists,
  type SharedMemory,
  type SharedMemoryControl,
  type SharedPlace,
  type SharedRegion,
  type SharedRoom,
} from '../core/shared-memory.js';

/** Where Linux keeps segments of POSIX shared memory, as files of a file system in memory. */
const DIRECTORY = '/dev/shm';

/** Linux's longest name of a file, in bytes. */
const LONGEST_NAME = 255;

/** Most bytes of a place, as of a message: a segment full of holes can be as long as it likes, and what is read cannot. */
const LONGEST_PLACE = 2 ** 30;

/** No link is followed, and nothing waits for the other end of a pipe. */
const OPEN_FLAGS = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Regions of POSIX shared memory. Segments are read and written through file descriptors and not mapped: whoever owns a
 * segment may shrink it at any time, and touching a mapping beyond its end kills the process (SIGBUS), while `pread` comes
 * back with fewer bytes. A tensor is copied once, into the buffer that moves to a worker, as from a mapping: 50 us for 1 MiB, where that took 30.
 */
export class SharedSegments implements SharedMemory, SharedMemoryControl {
  readonly #open = new Map<string, OpenRegion>();

  regions(name: string | null): readonly SharedRegion[] {
    if (name !== null) return [this.#find(name).region];
    const regions = [...this.#open.values()].map(({ region }) => region);
    return regions.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  read(place: SharedPlace): Uint8Array {
    return this.#find(place.region).read(place);
  }

  reserve(place: SharedPlace): SharedRoom {
    return this.#find(place.region).reserve(place);
  }

  /** Done when the call returns. */
  async register(region: SharedRegion): Promise<void> {
    const { name } = region;
    if (name === '') throw new ServingError('INVALID_REQUEST', 'a region of shared memory must have a name');
    if (this.#open.has(name)) throw regionExists(name);
    this.#open.set(name, new OpenRegion(region));
  }

  /** Taken off when the call returns; a name that is not there is none to wait for. */
  async unregister(name: string | null): Promise<void> {
    const regions = [...this.#open.values()].filter(({ region }) => name === null || region.name === name);
    for (const { region } of regions) this.#open.delete(region.name);
    await Promise.all(regions.map((region) => region.close()));
  }

  #find(name: string): OpenRegion {
    const region = this.#open.get(name);
    if (region !== undefined) return region;
    throw new ServingError(
      'SHARED_MEMORY_NOT_FOUND',
      `there is no region ${quoted(name)} of shared memory; register it first`,
    );
  }
}

/** A region and its open segment, which is there for as long even if its name is gone. */
class OpenRegion {
  readonly region: SharedRegion;
  readonly #file: number;
  /** Rooms that may still be written. */
  #rooms = 0;
  /** Called when the last room is gone; null: the region is not being closed. */
  #onIdle: (() => void) | null = null;

  /** Throws INVALID_REQUEST. */
  constructor(region: SharedRegion) {
    this.region = region;
    const { offset, byteSize } = region;
    if (!isBytes(offset) || !isBytes(byteSize) || byteSize === 0)
      throw this.#invalid(`has the offset ${offset} and ${byteSize} bytes; it must begin at 0 or later and have bytes`);
    this.#file = this.#openSegment();
    try {
      if (!fstatSync(this.#file).isFile()) throw this.#invalid(`has a key that is no shared memory`);
      this.#requireSegment(offset + byteSize);
    } catch (cause) {
      closeSync(this.#file);
      throw cause;
    }
  }

  read(place: SharedPlace): Uint8Array {
    const from = this.#from(place);
    // Not of Node's pool: it moves to a worker.
    const data = Buffer.allocUnsafeSlow(place.byteSize);
    for (let at = 0; at < data.length;) {
      const count = readSync(this.#file, data, at, data.length - at, from + at);
      // It has shrunk since it was looked at.
      if (count === 0) this.#requireSegment(from + data.length);
      at += count;
    }
    return data;
  }

  reserve(place: SharedPlace): SharedRoom {
    this.#from(place);
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

  /** Resolves when the segment is closed. */
  async close(): Promise<void> {
    if (this.#rooms > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    closeSync(this.#file);
  }

  #write(place: SharedPlace, data: Uint8Array): void {
    const { byteSize } = place;
    if (data.length > byteSize)
      throw this.#invalid(`is to take an output of ${data.length} bytes, and the request gives it ${byteSize} there`);
    // To write beyond the end would lengthen the segment.
    const from = this.#from(place);
    try {
      for (let at = 0; at < data.length;) at += writeSync(this.#file, data, at, data.length - at, from + at);
    } catch (cause) {
      throw this.#invalid(`cannot be written: ${errorMessage(cause)}`, cause);
    }
  }

  /** Where a place begins in the segment, which is long enough for it now. */
  #from({ offset, byteSize }: SharedPlace): number {
    const { region } = this;
    if (!isBytes(offset) || !isBytes(byteSize) || offset + byteSize > region.byteSize) {
      throw this.#invalid(
        `has ${region.byteSize} bytes, and the request names ${byteSize} of them from ${offset} on; shared_memory_offset ` +
          'counts from the start of the region',
      );
    }
    if (byteSize > LONGEST_PLACE)
      throw this.#invalid(`is to give or take ${byteSize} bytes for one tensor; ${LONGEST_PLACE} are the most`);
    const from = region.offset + offset;
    this.#requireSegment(from + byteSize);
    return from;
  }

  #requireSegment(end: number): void {
    const { size } = fstatSync(this.#file);
    if (size < end)
      throw this.#invalid(`needs ${end} bytes of ${quoted(this.region.key)}, which has ${size}; make it longer`);
  }

  #openSegment(): number {
    const { key } = this.region;
    const name = key.startsWith('/') ? key.slice(1) : key;
    const plain = name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
    if (!plain || Buffer.byteLength(name) > LONGEST_NAME)
      throw this.#invalid(`has the key ${quoted(key)}; it must be the name of a segment, without a path`);
    try {
      return openSync(`${DIRECTORY}/${name}`, OPEN_FLAGS);
    } catch (cause) {
      const why = REASONS[(cause as NodeJS.ErrnoException).code ?? ''] ?? errorMessage(cause);
      throw this.#invalid(`has the key ${quoted(key)}: ${why}`, cause);
    }
  }

  #invalid(what: string, cause?: unknown): ServingError {
    return new ServingError('INVALID_REQUEST', `region ${quoted(this.region.name)} of shared memory ${what}`, {
      cause,
    });
  }
}

/** Why a segment cannot be opened. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: `there is no such segment in ${DIRECTORY} of the server`,
  EACCES: 'the server may not read and write it; give its user the right to',
  ELOOP: 'it is a link',
  EISDIR: 'it is a directory',
  ENXIO: 'it is no shared memory',
};

function isBytes(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

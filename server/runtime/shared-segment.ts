import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { errorMessage, quoted } from '../core/errors.js';
import type { SystemRegion } from '../core/shared-memory.js';
import { invalidRegion, isBytes, type RegionMemory } from './open-region.js';

/** Where Linux keeps segments of POSIX shared memory, as files of a file system in memory. */
const DIRECTORY = '/dev/shm';

/** Linux's longest name of a file, in bytes. */
const LONGEST_NAME = 255;

/** No link is followed, and nothing waits for the other end of a pipe. */
const OPEN_FLAGS = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Part of a segment of POSIX shared memory, which is there for as long even if its name is gone. It is read and written
 * through a file descriptor and not mapped: whoever owns a segment may shrink it at any time, and touching a mapping beyond
 * its end kills the process (SIGBUS), while `pread` comes back with fewer bytes. A tensor is copied once, into the buffer
 * that moves to a worker, as from a mapping: 50 us for 1 MiB, where that took 30.
 */
export class SharedSegment implements RegionMemory {
  readonly #region: SystemRegion;
  readonly #file: number;

  /** Throws INVALID_REQUEST. */
  constructor(region: SystemRegion) {
    this.#region = region;
    const { offset, byteSize } = region;
    if (!isBytes(offset) || !isBytes(byteSize) || byteSize === 0)
      throw this.#invalid(`has the offset ${offset} and ${byteSize} bytes; it must begin at 0 or later and have bytes`);
    this.#file = this.#open();
    try {
      if (!fstatSync(this.#file).isFile()) throw this.#invalid(`has a key that is no shared memory`);
      this.requireBytes(byteSize);
    } catch (cause) {
      this.close();
      throw cause;
    }
  }

  requireBytes(count: number): void {
    const end = this.#region.offset + count;
    const { size } = fstatSync(this.#file);
    if (size < end)
      throw this.#invalid(`needs ${end} bytes of ${quoted(this.#region.key)}, which has ${size}; make it longer`);
  }

  read(from: number, out: Uint8Array): void {
    const start = this.#region.offset + from;
    for (let at = 0; at < out.length;) {
      const count = readSync(this.#file, out, at, out.length - at, start + at);
      // It has shrunk since it was looked at.
      if (count === 0) this.requireBytes(from + out.length);
      at += count;
    }
  }

  write(from: number, data: Uint8Array): void {
    const start = this.#region.offset + from;
    try {
      for (let at = 0; at < data.length;) at += writeSync(this.#file, data, at, data.length - at, start + at);
    } catch (cause) {
      throw this.#invalid(`cannot be written: ${errorMessage(cause)}`, cause);
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  #open(): number {
    const { key } = this.#region;
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

  #invalid(what: string, cause?: unknown): Error {
    return invalidRegion(this.#region, what, cause);
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

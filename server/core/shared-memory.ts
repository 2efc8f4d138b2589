import { quoted, ServingError } from './errors.js';

/** Part of a segment of shared memory that clients know by a name of their own. */
export interface SharedRegion {
  readonly name: string;
  /** Of the segment, as `shm_open` takes it: `/name`, or `name`. */
  readonly key: string;
  /** Bytes from the start of the segment. */
  readonly offset: number;
  readonly byteSize: number;
}

/** Where a tensor lies, or has room. */
export interface SharedPlace {
  readonly region: string;
  /** Bytes from the start of the region. */
  readonly offset: number;
  readonly byteSize: number;
}

/** The regions that clients have registered. */
export interface SharedMemory {
  /** By name; null: all, sorted by name. Throws SHARED_MEMORY_NOT_FOUND. */
  regions(name: string | null): readonly SharedRegion[];
  /**
   * The bytes of a place, in a buffer of their own. Throws SHARED_MEMORY_NOT_FOUND, or INVALID_REQUEST where the region, or
   * by now the segment, ends before the place does.
   */
  read(place: SharedPlace): Uint8Array;
  /** Throws as `read` does. */
  reserve(place: SharedPlace): SharedRoom;
}

/** A place for bytes to come. Its region stays open until it is disposed of. */
export interface SharedRoom extends Disposable {
  readonly place: SharedPlace;
  /** Throws INVALID_REQUEST where the data is longer than the place, or the segment does not take it. */
  write(data: Uint8Array): void;
}

/** Registers regions in all processes of the server. */
export interface SharedMemoryControl {
  /** Rejects with SHARED_MEMORY_EXISTS, or with INVALID_REQUEST that says what is wrong with the region. */
  register(region: SharedRegion): Promise<void>;
  /** Null: all. Nobody finds the region any more; resolves when no running request will write there. */
  unregister(name: string | null): Promise<void>;
}

/** What a door needs of shared memory. */
export interface ServedMemory {
  readonly memory: SharedMemory;
  readonly control: SharedMemoryControl;
}

/** What the name of a second region is refused with. */
export function regionExists(name: string): ServingError {
  return new ServingError(
    'SHARED_MEMORY_EXISTS',
    `region ${quoted(name)} of shared memory is registered already; unregister it first, or take another name`,
  );
}

import { quoted, ServingError } from './errors.js';

/** Memory that clients share with the server, and know by a name of their own: of this machine, or of a GPU. */
export type SharedRegion = SystemRegion | CudaRegion;

export type RegionKind = SharedRegion['kind'];

interface NamedRegion {
  readonly name: string;
  readonly byteSize: number;
}

/** Part of a segment of POSIX shared memory. */
export interface SystemRegion extends NamedRegion {
  readonly kind: 'system';
  /** Of the segment, as `shm_open` takes it: `/name`, or `name`. */
  readonly key: string;
  /** Bytes from the start of the segment. */
  readonly offset: number;
}

/** The first bytes of an allocation on a GPU. */
export interface CudaRegion extends NamedRegion {
  readonly kind: 'cuda';
  /** Index of the GPU, as the server counts them. */
  readonly device: number;
  /** The client's cudaIpcMemHandle_t. Base64: what goes between processes is JSON. */
  readonly handle: string;
}

/** Where a tensor lies, or has room. */
export interface SharedPlace {
  readonly region: string;
  /** Bytes from the start of the region. */
  readonly offset: number;
  readonly byteSize: number;
}

export type RegionOf<K extends RegionKind> = Extract<SharedRegion, { readonly kind: K }>;

/** The regions that clients have registered. */
export interface SharedMemory {
  /** By name; null: all of the kind, sorted by name. Throws SHARED_MEMORY_NOT_FOUND. */
  regions<K extends RegionKind>(kind: K, name: string | null): readonly RegionOf<K>[];
  /**
   * The bytes of a place, in a buffer of their own. Throws SHARED_MEMORY_NOT_FOUND, INVALID_REQUEST where the region, or by
   * now the segment, ends before the place does, or DEVICE_LOST.
   */
  read(place: SharedPlace): Uint8Array;
  /** Throws as `read` does. */
  reserve(place: SharedPlace): SharedRoom;
}

/** A place for bytes to come. Its region stays open until it is disposed of. */
export interface SharedRoom extends Disposable {
  readonly place: SharedPlace;
  /** Throws INVALID_REQUEST where the data is longer than the place or the segment does not take it, or DEVICE_LOST. */
  write(data: Uint8Array): void;
}

/** Regions by kind and name. */
export interface RegionChoice {
  readonly kind: RegionKind;
  /** Null: all of the kind. */
  readonly name: string | null;
}

/** Registers regions in all processes of the server. */
export interface SharedMemoryControl {
  /**
   * Rejects with SHARED_MEMORY_EXISTS, with INVALID_REQUEST that says what is wrong with the region, or with
   * DEVICE_UNAVAILABLE where it is of a GPU and none can be used.
   */
  register(region: SharedRegion): Promise<void>;
  /**
   * Nobody finds the regions any more; resolves when no running request will write there. Rejects with INVALID_REQUEST
   * where the name is that of a region of the other kind.
   */
  unregister(which: RegionChoice): Promise<void>;
}

/** What a door needs of shared memory. */
export interface ServedMemory {
  readonly memory: SharedMemory;
  readonly control: SharedMemoryControl;
  /** Whether the server was built with what opens memory of GPUs. */
  readonly cuda: boolean;
}

/** What the name of a second region is refused with. */
export function regionExists(name: string): ServingError {
  return new ServingError(
    'SHARED_MEMORY_EXISTS',
    `region ${quoted(name)} of shared memory is registered already; unregister it first, or take another name`,
  );
}

/** Whether `unregister` is to take the region away. Throws as it does. */
export function isMeant(region: SharedRegion, { kind, name }: RegionChoice): boolean {
  if (name === null) return region.kind === kind;
  if (region.name !== name) return false;
  if (region.kind === kind) return true;
  throw new ServingError(
    'INVALID_REQUEST',
    `region ${quoted(name)} of shared memory is registered as ${KIND_NAMES[region.kind]}; unregister it as that`,
  );
}

const KIND_NAMES: Readonly<Record<RegionKind, string>> = { system: 'system shared memory', cuda: 'CUDA shared memory' };

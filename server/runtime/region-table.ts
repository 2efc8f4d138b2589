import { quoted, ServingError } from '../core/errors.js';
import {
  isMeant,
  regionExists,
  type RegionChoice,
  type RegionKind,
  type RegionOf,
  type SharedMemory,
  type SharedMemoryControl,
  type SharedPlace,
  type SharedRegion,
  type SharedRoom,
} from '../core/shared-memory.js';
import { OpenRegion, type RegionMemory } from './open-region.js';

/** How the memory of a region of each kind is opened. They throw what `SharedMemoryControl.register` rejects with. */
export type OpenMemory = {
  readonly [K in RegionKind]: (region: RegionOf<K>) => RegionMemory | Promise<RegionMemory>;
};

/** A name that is taken. Null: its memory is being opened. */
interface Entry {
  readonly region: SharedRegion;
  open: OpenRegion | null;
}

/** The regions of this process, of both kinds. */
export class RegionTable implements SharedMemory, SharedMemoryControl {
  readonly #openMemory: OpenMemory;
  readonly #entries = new Map<string, Entry>();

  constructor(openMemory: OpenMemory) {
    this.#openMemory = openMemory;
  }

  regions<K extends RegionKind>(kind: K, name: string | null): readonly RegionOf<K>[] {
    const open = name === null ? this.#open : [this.#find(name)];
    const regions = open.map(({ region }) => region).filter((region) => isOf(kind, region));
    if (name !== null && regions.length === 0) throw notFound(name);
    return regions.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  read(place: SharedPlace): Uint8Array {
    return this.#find(place.region).read(place);
  }

  reserve(place: SharedPlace): SharedRoom {
    return this.#find(place.region).reserve(place);
  }

  /** The name is taken when the call returns; `unregister` takes it away from a region that is still being opened, too. */
  async register(region: SharedRegion): Promise<void> {
    const { name } = region;
    if (name === '') throw new ServingError('INVALID_REQUEST', 'a region of shared memory must have a name');
    if (this.#entries.has(name)) throw regionExists(name);
    const entry: Entry = { region, open: null };
    this.#entries.set(name, entry);
    const wanted = (): boolean => this.#entries.get(name) === entry;
    try {
      const memory = await this.#opened(region);
      if (wanted()) entry.open = new OpenRegion(region, memory);
      else memory.close();
    } catch (cause) {
      if (wanted()) this.#entries.delete(name);
      throw cause;
    }
    if (!wanted())
      throw new ServingError('CANCELLED', `region ${quoted(name)} of shared memory was unregistered meanwhile`);
  }

  /** Taken off when the call returns; a name that is not there is none to wait for. */
  async unregister(which: RegionChoice): Promise<void> {
    const entries = [...this.#entries.values()].filter(({ region }) => isMeant(region, which));
    for (const { region } of entries) this.#entries.delete(region.name);
    await Promise.all(entries.flatMap(({ open }) => open?.close() ?? []));
  }

  get #open(): OpenRegion[] {
    return [...this.#entries.values()].flatMap(({ open }) => open ?? []);
  }

  #find(name: string): OpenRegion {
    const open = this.#entries.get(name)?.open;
    if (open) return open;
    throw notFound(name);
  }

  #opened(region: SharedRegion): RegionMemory | Promise<RegionMemory> {
    return region.kind === 'system' ? this.#openMemory.system(region) : this.#openMemory.cuda(region);
  }
}

function isOf<K extends RegionKind>(kind: K, region: SharedRegion): region is RegionOf<K> {
  return region.kind === kind;
}

function notFound(name: string): ServingError {
  return new ServingError(
    'SHARED_MEMORY_NOT_FOUND',
    `there is no region ${quoted(name)} of shared memory; register it first`,
  );
}

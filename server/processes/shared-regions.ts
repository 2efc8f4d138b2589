import {
  isMeant,
  regionExists,
  type RegionChoice,
  type SharedMemoryControl,
  type SharedRegion,
} from '../core/shared-memory.js';
import type { ProcessCalls } from './calls.js';
import { everywhere } from './everywhere.js';
import type { Peer } from './peer.js';

/**
 * Registers shared memory in every process of a server. It keeps what is registered: a process that takes another's place
 * registers that. Nothing is made to wait for its turn: processes get changes in the order in which they are sent, and a name
 * is taken or free there before they look at the next.
 */
export class SharedRegions implements SharedMemoryControl {
  readonly #regions = new Map<string, SharedRegion>();
  readonly #peers: () => readonly Peer<ProcessCalls>[];

  /** `peers` are the processes that have begun. */
  constructor(peers: () => readonly Peer<ProcessCalls>[]) {
    this.#peers = peers;
  }

  /** What a process registers as it starts. */
  get wanted(): readonly SharedRegion[] {
    return [...this.#regions.values()];
  }

  /** In all processes or in none. */
  async register(region: SharedRegion): Promise<void> {
    const { kind, name } = region;
    if (this.#regions.has(name)) throw regionExists(name);
    this.#regions.set(name, region);
    const [failure] = await everywhere(this.#peers(), (peer) => peer.call('registerMemory', region));
    if (failure === undefined) return;
    // Unless it was unregistered meanwhile, and the name is another's by now.
    if (this.#regions.get(name) === region) await this.unregister({ kind, name });
    throw failure;
  }

  async unregister(which: RegionChoice): Promise<void> {
    const regions = this.wanted.filter((region) => isMeant(region, which));
    for (const region of regions) this.#regions.delete(region.name);
    const [failure] = await everywhere(this.#peers(), (peer) => peer.call('unregisterMemory', which));
    if (failure !== undefined) throw failure;
  }
}

import { regionExists, type SharedMemoryControl, type SharedRegion } from '../core/shared-memory.js';
import type { ProcessCalls } from './calls.js';
import { everywhere } from './everywhere.js';
import type { Peer } from './peer.js';

/**
 * Registers shared memory in every process of a server. It keeps what is registered: a process that takes another's place
 * registers that. Nothing is made to wait for its turn: processes get changes in the order in which they are sent, and make
 * each before they look at the next.
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
    const { name } = region;
    if (this.#regions.has(name)) throw regionExists(name);
    this.#regions.set(name, region);
    const [failure] = await everywhere(this.#peers(), (peer) => peer.call('registerMemory', region));
    if (failure === undefined) return;
    // Unless it was unregistered meanwhile, and the name is another's by now.
    if (this.#regions.get(name) === region) await this.unregister(name);
    throw failure;
  }

  async unregister(name: string | null): Promise<void> {
    if (name === null) this.#regions.clear();
    else this.#regions.delete(name);
    const [failure] = await everywhere(this.#peers(), (peer) => peer.call('unregisterMemory', name));
    if (failure !== undefined) throw failure;
  }
}

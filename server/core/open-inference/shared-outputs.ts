import type { SharedMemory, SharedPlace, SharedRoom } from '../shared-memory.js';
import type { Tensor } from '../tensors.js';

/** Room in shared memory for outputs of one request. */
export class SharedOutputs implements Disposable {
  readonly #rooms = new Map<string, SharedRoom>();

  /** `places` are by output. Throws as SharedMemory.reserve, and reserves nothing then. */
  static reserve(memory: SharedMemory, places: ReadonlyMap<string, SharedPlace>): SharedOutputs {
    const outputs = new SharedOutputs();
    try {
      for (const [name, place] of places) outputs.#rooms.set(name, memory.reserve(place));
    } catch (cause) {
      outputs[Symbol.dispose]();
      throw cause;
    }
    return outputs;
  }

  /** Writes an output where there is room for it, and returns what it takes there; null: it has no room. */
  put({ name, data }: Tensor): SharedPlace | null {
    const room = this.#rooms.get(name);
    if (room === undefined) return null;
    room.write(data);
    return { ...room.place, byteSize: data.length };
  }

  [Symbol.dispose](): void {
    for (const room of this.#rooms.values()) room[Symbol.dispose]();
    this.#rooms.clear();
  }
}

import type { Tensor } from '../core/tensors.js';
import type { CrossingBatch, TensorBatch } from './messages.js';

/** Bytes of a desk: batches of more cross by themselves. */
const DESK_BYTES = 65_536;

/** Where elements of every type may begin. */
const WIDEST = 8;

/**
 * Memory that a thread shares with the one that hands it batches: to lay small tensors there costs a fraction of what a
 * message with buffers does. It is free again when the thread has answered.
 */
export class TensorDesk {
  readonly memory: SharedArrayBuffer;
  readonly #bytes: Uint8Array;

  /** New, or the one that another thread has made. */
  constructor(memory = new SharedArrayBuffer(DESK_BYTES)) {
    this.memory = memory;
    this.#bytes = new Uint8Array(memory);
  }

  /** Whether there is room for the tensors of these requests. */
  hasRoom(contents: readonly (readonly Tensor[])[]): boolean {
    let bytes = 0;
    for (const tensors of contents) for (const { data } of tensors) bytes += data.length;
    return bytes + (contents[0]?.length ?? 0) * WIDEST <= DESK_BYTES;
  }

  /** Lays the tensors down, those of an input one behind the other; how many bytes each has, by request and input. */
  lay(contents: readonly (readonly Tensor[])[]): number[][] {
    const lengths = contents.map((): number[] => []);
    const inputs = contents[0]?.length ?? 0;
    let at = 0;
    for (let input = 0; input < inputs; input++) {
      at = aligned(at);
      contents.forEach((tensors, request) => {
        const { data } = tensors[input]!;
        this.#bytes.set(data, at);
        lengths[request]!.push(data.length);
        at += data.length;
      });
    }
    return lengths;
  }

  /** The batch with what lies here for it, as a copy: no engine takes shared memory. */
  take({ inputs, ...batch }: CrossingBatch): TensorBatch {
    let at = 0;
    return {
      ...batch,
      inputs: inputs.map(({ parts, ...input }) => {
        at = aligned(at);
        const start = at;
        for (const part of parts) if (typeof part === 'number') at += part;
        const own = this.#bytes.slice(start, at);
        let taken = 0;
        return {
          ...input,
          parts: parts.map((part) => (typeof part === 'number' ? own.subarray(taken, (taken += part)) : part)),
        };
      }),
    };
  }
}

function aligned(at: number): number {
  return Math.ceil(at / WIDEST) * WIDEST;
}

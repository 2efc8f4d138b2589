import { ServingError } from '../core/errors.js';
import type { ModelConfig } from '../core/model-config.js';
import { elementBytes, shapeText, type Tensor, type TensorSignature, type TensorSpec } from '../core/tensors.js';
import { timed, type PhaseClock } from './frame-batch.js';
import type { TensorAnswer, TensorBatch, TensorInput, TensorsDone } from './messages.js';
import { joinParts } from './tensor-batch.js';

/** The length in front of a text that has nothing behind it. */
const EMPTY_TEXT_BYTES = 4;

/** A larger room is not kept for the next batch. */
const MOST_KEPT_BYTES = 64 << 20;

/** A network as requests for tensors see it. */
export interface TensorNetwork {
  /** All that it takes and gives. */
  readonly tensors: NetworkTensors;
  /**
   * Runs any inputs; `outputs` null: all are wanted. Adds to `phases` what it takes. Throws DEVICE_OUT_OF_MEMORY,
   * DEVICE_LOST, or INVALID_REQUEST with what is wrong with the values or with sizes that do not fit one another.
   */
  runTensors(
    inputs: readonly Tensor[],
    outputs: readonly string[] | null,
    phases: PhaseClock,
  ): Promise<readonly Tensor[]>;
}

export type NetworkTensors = Pick<TensorSignature, 'inputs' | 'outputs'>;

/** What answers requests for tensors: the network of an instance as it is, beside its task or without one. */
export class TensorRunner {
  readonly signature: TensorSignature;
  readonly #network: TensorNetwork;
  readonly #padToSizes: readonly number[];
  /** Where inputs that come in parts are joined, by name: a network does not look at them once it has run. */
  readonly #joined = new Map<string, ArrayBuffer>();

  constructor(network: TensorNetwork, { batch_dimension: said, dynamic_batching }: ModelConfig) {
    const { inputs, outputs } = network.tensors;
    this.#network = network;
    this.#padToSizes = dynamic_batching.pad_to_sizes;
    // As Triton completes a configuration that says nothing.
    this.signature = { inputs, outputs, batched: said ?? tensorWithoutBatch(network.tensors) === undefined };
  }

  /** Throws what the model failed with, where all requests have failed. */
  async infer(batch: TensorBatch): Promise<TensorsDone> {
    const phases = newPhases();
    const { batched } = this.signature;
    const requests = batch.rows.length;
    try {
      return { type: 'inferred', phases, answers: [{ requests, batched, outputs: await this.#run(batch, phases) }] };
    } catch (cause) {
      if (requests === 1 || isLost(cause)) throw cause;
    }
    // The values of one request may be at fault: the others are not to suffer for it.
    const answers: TensorAnswer[] = [];
    for (const [request, rows] of batch.rows.entries()) {
      const inputs = batch.inputs.map((input) => ({ ...input, parts: [input.parts[request]!] }));
      const alone = { ...batch, rows: [rows], inputs };
      try {
        answers.push({ requests: 1, batched, outputs: await this.#run(alone, phases) });
      } catch (cause) {
        if (isLost(cause)) throw cause;
        answers.push({ requests: 1, error: ServingError.from(cause).toData() });
      }
    }
    return { type: 'inferred', phases, answers };
  }

  /**
   * Runs on zeros and empty texts; `sizes`: those of inputs that leave some open, without the batch; 1 where it says
   * nothing. Throws MODEL_INVALID.
   */
  async warmUp(rows: number, sizes: Readonly<Record<string, readonly number[]>>): Promise<void> {
    const lead = this.signature.batched ? 1 : 0;
    const feeds = this.signature.inputs.map(({ name, datatype, shape: open }): Tensor => {
      const filler = (axis: number) => (axis < lead ? rows : (sizes[name]?.[axis - lead] ?? 1));
      const shape = (open ?? []).map((dim, axis) => (dim === -1 ? filler(axis) : dim));
      return { name, datatype, shape, data: new Uint8Array(zeroBytes(datatype, shape)) };
    });
    this.#requireRows(await this.#network.runTensors(feeds, null, newPhases()), rows);
  }

  /** Whether there are sizes that only requests tell: what a warm-up makes up in their place may fit no model. */
  get openSizes(): boolean {
    return this.signature.inputs.some(
      ({ shape }) => shape === null || shape.slice(this.signature.batched ? 1 : 0).includes(-1),
    );
  }

  async #run(batch: TensorBatch, phases: PhaseClock): Promise<readonly Tensor[]> {
    const rows = batch.rows.reduce((sum, count) => sum + count, 0);
    const padded = this.signature.batched ? (this.#padToSizes.find((size) => size >= rows) ?? rows) : rows;
    const feeds = await timed(phases, 'preprocess', () => batch.inputs.map((input) => this.#feed(input, rows, padded)));
    const found = await this.#network.runTensors(feeds, batch.outputs, phases);
    this.#requireRows(found, padded);
    return found;
  }

  /** An input of all requests, filled up with zeros to `padded` rows. */
  #feed(input: TensorInput, rows: number, padded: number): Tensor {
    const { name, datatype } = input;
    const rest = input.shape.slice(1);
    const shape = this.signature.batched ? [padded, ...rest] : input.shape;
    const filled = padded === rows ? input : { ...input, parts: [...input.parts, padding(input, padded - rows)] };
    return { name, datatype, shape, data: joinParts(filled, (bytes) => this.#roomFor(name, bytes)) };
  }

  #roomFor(input: string, bytes: number): Uint8Array {
    const kept = this.#joined.get(input);
    if (kept !== undefined && kept.byteLength >= bytes) return new Uint8Array(kept, 0, bytes);
    const room = new ArrayBuffer(bytes);
    if (bytes <= MOST_KEPT_BYTES) this.#joined.set(input, room);
    return new Uint8Array(room);
  }

  #requireRows(outputs: readonly Tensor[], rows: number): void {
    if (!this.signature.batched) return;
    for (const { name, shape } of outputs) {
      if (shape[0] === rows) continue;
      throw new ServingError(
        'MODEL_INVALID',
        `output '${name}' has the shape ${shapeText(shape)} for ${rows} rows: its first dim must be the batch; write ` +
          '`max_batch_size: 0` where the model has none',
      );
    }
  }
}

/** A tensor whose first dim is not open, so that it cannot be the batch. */
function tensorWithoutBatch({ inputs, outputs }: NetworkTensors): TensorSpec | undefined {
  return [...inputs, ...outputs].find(({ shape }) => shape?.[0] !== -1);
}

/** Throws MODEL_INVALID where a network has not the batch dimension that the configuration says. */
export function requireBatch(
  tensors: NetworkTensors,
  { batch_dimension: said, max_batch_size: most }: ModelConfig,
): void {
  const fixed = tensorWithoutBatch(tensors);
  if (said !== true || fixed === undefined) return;
  throw new ServingError(
    'MODEL_INVALID',
    `tensor '${fixed.name}' is ${shapeText(fixed.shape)}, and max_batch_size ${most} wants an open first dim: export the ` +
      'model with one, or write `max_batch_size: 0`',
  );
}

/** Zeros. */
function padding({ shape, datatype }: TensorInput, rows: number): Uint8Array {
  return new Uint8Array(zeroBytes(datatype, [rows, ...shape.slice(1)]));
}

/** Bytes of so many zeros: of BYTES, the lengths of empty texts. */
function zeroBytes(datatype: TensorSpec['datatype'], shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, elementBytes(datatype) ?? EMPTY_TEXT_BYTES);
}

/** A GPU that is beyond use fails every request, and whoever replaces instances has to hear of it. */
function isLost(cause: unknown): boolean {
  return ServingError.from(cause).code === 'DEVICE_LOST';
}

function newPhases(): PhaseClock {
  return { decode: 0, preprocess: 0, infer: 0, postprocess: 0 };
}

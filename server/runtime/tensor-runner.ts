import { ServingError } from '../core/errors.js';
import type { ModelConfig } from '../core/model-config.js';
import { elementBytes, shapeText, type Tensor, type TensorSignature, type TensorSpec } from '../core/tensors.js';
import { timed, type PhaseClock } from './frame-batch.js';
import type { TensorAnswer, TensorBatch, TensorInput, TensorsDone } from './messages.js';
import type { NamedArray, OnnxSession } from './onnx-session.js';
import { toArray, toData, type TensorArray } from './tensor-arrays.js';
import { joinParts } from './tensor-batch.js';

/** What answers requests for tensors on the CPU: the network of an instance as it is, beside its task or without one. */
export class TensorRunner {
  readonly signature: TensorSignature;
  readonly #session: OnnxSession;
  readonly #padToSizes: readonly number[];

  constructor(session: OnnxSession, { batch_dimension: said, dynamic_batching }: ModelConfig) {
    const { inputs, outputs } = session.tensors;
    this.#session = session;
    this.#padToSizes = dynamic_batching.pad_to_sizes;
    // As Triton completes a configuration that says nothing.
    this.signature = { inputs, outputs, batched: said ?? tensorWithoutBatch(session) === undefined };
  }

  /** Throws what the model failed with, where all requests have failed. */
  async infer(batch: TensorBatch): Promise<TensorsDone> {
    const phases: PhaseClock = { decode: 0, preprocess: 0, infer: 0, postprocess: 0 };
    const { batched } = this.signature;
    const requests = batch.rows.length;
    try {
      return { type: 'inferred', phases, answers: [{ requests, batched, outputs: await this.#run(batch, phases) }] };
    } catch (cause) {
      if (requests === 1) throw cause;
    }
    // The values of one request may be at fault: the others are not to suffer for it.
    const answers: TensorAnswer[] = [];
    for (const [request, rows] of batch.rows.entries()) {
      const inputs = batch.inputs.map((input) => ({ ...input, parts: [input.parts[request]!] }));
      const alone = { ...batch, rows: [rows], inputs };
      try {
        answers.push({ requests: 1, batched, outputs: await this.#run(alone, phases) });
      } catch (cause) {
        answers.push({ requests: 1, error: ServingError.from(cause).toData() });
      }
    }
    return { type: 'inferred', phases, answers };
  }

  /** Runs on zeros and empty texts. Throws MODEL_INVALID. */
  async warmUp(rows: number): Promise<void> {
    const shapes = this.signature.inputs.map(({ shape }) =>
      (shape ?? []).map((dim, axis) => (dim === -1 ? this.#filler(axis, rows) : dim)),
    );
    const feeds = this.signature.inputs.map(({ name, datatype }, index): NamedArray => {
      const shape = shapes[index]!;
      return {
        name,
        datatype,
        shape,
        data: zeros(
          datatype,
          shape.reduce((product, dim) => product * dim, 1),
        ),
      };
    });
    this.#requireRows(await this.#session.runTensors(feeds, null), rows);
  }

  /** Whether there are sizes that only requests tell: what a warm-up makes up in their place may fit no model. */
  get openSizes(): boolean {
    return this.signature.inputs.some(
      ({ shape }) => shape === null || shape.slice(this.signature.batched ? 1 : 0).includes(-1),
    );
  }

  #filler(axis: number, rows: number): number {
    return axis === 0 && this.signature.batched ? rows : 1;
  }

  async #run(batch: TensorBatch, phases: PhaseClock): Promise<Tensor[]> {
    const rows = batch.rows.reduce((sum, count) => sum + count, 0);
    const padded = this.signature.batched ? (this.#padToSizes.find((size) => size >= rows) ?? rows) : rows;
    const feeds = await timed(phases, 'preprocess', () => batch.inputs.map((input) => this.#feed(input, rows, padded)));
    const found = await timed(phases, 'infer', () => this.#session.runTensors(feeds, batch.outputs));
    this.#requireRows(found, padded);
    return await timed(phases, 'postprocess', () =>
      found.map(({ name, datatype, shape, data }) => ({ name, datatype, shape, data: toData(datatype, data) })),
    );
  }

  /** An input of all requests, filled up with zeros to `padded` rows. */
  #feed(input: TensorInput, rows: number, padded: number): NamedArray {
    const { name, datatype } = input;
    const rest = input.shape.slice(1);
    const shape = this.signature.batched ? [padded, ...rest] : input.shape;
    const filled = padded === rows ? input : { ...input, parts: [...input.parts, padding(input, padded - rows)] };
    return { name, datatype, shape, data: toArray(name, datatype, joinParts(filled)) };
  }

  #requireRows(outputs: readonly NamedArray[], rows: number): void {
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
export function tensorWithoutBatch({ tensors: { inputs, outputs } }: OnnxSession): TensorSpec | undefined {
  return [...inputs, ...outputs].find(({ shape }) => shape?.[0] !== -1);
}

/** Zeros: of BYTES, the lengths of empty texts. */
function padding({ parts, shape, datatype }: TensorInput, rows: number): Uint8Array {
  const elements = shape.slice(1).reduce((product, dim) => product * dim, 1);
  const each = datatype === 'BYTES' ? 4 * elements : parts[0]!.length / shape[0]!;
  return new Uint8Array(rows * each);
}

function zeros(datatype: TensorSpec['datatype'], count: number): TensorArray {
  if (datatype === 'BYTES') return Array<string>(count).fill('');
  return toArray('', datatype, new Uint8Array(count * elementBytes(datatype)!));
}

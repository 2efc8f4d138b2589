import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { errorMessage, ServingError } from '../core/errors.js';
import type { NetworkInput } from '../core/network-input.js';
import type { Tensor as RawTensor, TensorSpec } from '../core/tensors.js';
import { rewriteForServing } from '../onnx/rewrite.js';
import { rewriteForTensors } from '../onnx/rewrite-tensors.js';
import { rewriteForTexts, type ServedTexts, type TextInput } from '../onnx/rewrite-texts.js';
import { timed, type PhaseClock } from './frame-batch.js';
import { datatypeNamed, elementType, toArray, toData, type TensorArray } from './tensor-arrays.js';
import type { NetworkTensors, TensorNetwork } from './tensor-runner.js';

/** An input of a run. */
export interface InputTensor {
  readonly name: string;
  readonly type: 'float32' | 'int32' | 'int64';
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | BigInt64Array;
}

/** An output of a run. */
export interface OutputTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A model file in ONNX Runtime on the CPU, for one thread of JavaScript. */
export class OnnxSession implements TensorNetwork, AsyncDisposable {
  /** What had to be changed in the model to serve it, in words. */
  readonly changes: readonly string[];
  readonly tensors: NetworkTensors;
  readonly #session: InferenceSession;
  readonly #input: string;

  private constructor(
    session: InferenceSession,
    input: string,
    changes: readonly string[],
    tensors: NetworkTensors = tensorsOf(session),
  ) {
    this.#session = session;
    this.#input = input;
    this.changes = changes;
    this.tensors = tensors;
  }

  /** Loads `file` with a dynamic batch and rows of the shape `size`; null: as it is. Throws MODEL_INVALID. */
  static async create(file: string, size: NetworkInput | null, threads: number): Promise<OnnxSession> {
    const rewritten = await rewrite(file, (bytes) =>
      size === null ? { bytes, changes: [] } : rewriteForServing(bytes, size),
    );
    const session = await open(file, rewritten.bytes, threads);
    const [input, ...others] = session.inputNames;
    if (input === undefined || others.length > 0) {
      throw new ServingError(
        'MODEL_INVALID',
        `${file} has ${session.inputNames.length} inputs (${session.inputNames.join(', ')}); a vision task needs one`,
      );
    }
    return new OnnxSession(session, input, rewritten.changes);
  }

  /** Loads a model that reads texts, and tells its inputs. Throws MODEL_INVALID. */
  static async createForTexts(
    file: string,
    served: ServedTexts,
    threads: number,
  ): Promise<{ readonly session: OnnxSession; readonly inputs: readonly TextInput[] }> {
    const { bytes, changes, inputs } = await rewrite(file, (original) => rewriteForTexts(original, served));
    return { session: new OnnxSession(await open(file, bytes, threads), '', changes), inputs };
  }

  /** Loads a model whose tensors have no meaning here. Throws MODEL_INVALID. */
  static async createForTensors(file: string, threads: number): Promise<OnnxSession> {
    const { bytes, changes, open: unknown, halves } = await rewrite(file, rewriteForTensors);
    // By its name a file is read once, and may keep its weights in others.
    const session = await open(file, changes.length === 0 ? file : bytes, threads);
    const told = ({ name, datatype, shape }: TensorSpec): TensorSpec => ({
      name,
      datatype: halves.has(name) ? 'BF16' : datatype,
      // ONNX Runtime tells a scalar where nothing is known.
      shape: unknown.has(name) && shape?.length === 0 ? null : shape,
    });
    try {
      const { inputs, outputs } = tensorsOf(session);
      return new OnnxSession(session, '', changes, { inputs: inputs.map(told), outputs: outputs.map(told) });
    } catch (error) {
      await session.release();
      throw new ServingError('MODEL_INVALID', `${file}: ${errorMessage(error)}`, { cause: error });
    }
  }

  /** Runs NCHW float32 `values` of `shape`. The outputs come in the order of the model. Throws DEVICE_OUT_OF_MEMORY. */
  run(values: Float32Array, shape: readonly number[]): Promise<OutputTensor[]> {
    return this.runAll([{ name: this.#input, type: 'float32', shape, data: values }]);
  }

  /** As `run`, on all inputs of a model that has several. */
  async runAll(inputs: readonly InputTensor[]): Promise<OutputTensor[]> {
    const feeds = Object.fromEntries(
      inputs.map(({ name, type, data, shape }) => [name, new Tensor(type, data, shape)]),
    );
    let outputs: InferenceSession.OnnxValueMapType;
    try {
      outputs = await this.#session.run(feeds);
    } catch (cause) {
      const why = errorMessage(cause);
      const code = /alloc|memory/i.test(why) ? 'DEVICE_OUT_OF_MEMORY' : 'INTERNAL';
      throw new ServingError(code, `the model failed to run: ${why}`, { cause });
    }
    return this.#session.outputNames.map((name) => {
      const tensor = outputs[name] as Tensor;
      if (!(tensor.data instanceof Float32Array)) {
        throw new ServingError('MODEL_INVALID', `output ${name} is of type ${tensor.type}; every task needs float32`);
      }
      return { name, shape: tensor.dims, data: tensor.data };
    });
  }

  async runTensors(
    inputs: readonly RawTensor[],
    outputs: readonly string[] | null,
    phases: PhaseClock,
  ): Promise<RawTensor[]> {
    const feeds = await timed(phases, 'preprocess', () =>
      Object.fromEntries(inputs.map((input) => [input.name, tensorOf(input)])),
    );
    const names = outputs ?? this.#session.outputNames;
    const found = await timed(phases, 'infer', () => this.#runAny(feeds, names));
    return await timed(phases, 'postprocess', () =>
      names.map((name) => {
        const { data, dims } = found[name] as Tensor;
        const { datatype } = this.tensors.outputs.find((spec) => spec.name === name)!;
        return { name, datatype, shape: dims, data: toData(datatype, data as TensorArray) };
      }),
    );
  }

  async #runAny(
    feeds: InferenceSession.FeedsType,
    names: readonly string[],
  ): Promise<InferenceSession.OnnxValueMapType> {
    try {
      return await this.#session.run(feeds, names);
    } catch (cause) {
      const why = errorMessage(cause);
      if (/alloc|memory/i.test(why))
        throw new ServingError('DEVICE_OUT_OF_MEMORY', `the model failed to run: ${why}`, { cause });
      throw new ServingError('INVALID_REQUEST', `the model failed to run on these tensors: ${why}`, { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.release();
  }
}

/** What `change` makes of the file's bytes; its errors name the file. */
async function rewrite<T>(file: string, change: (bytes: Uint8Array) => T): Promise<T> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new ServingError('MODEL_INVALID', `${file} cannot be read: ${errorMessage(cause)}`, { cause });
  }
  try {
    return change(bytes);
  } catch (cause) {
    const { code, message } = ServingError.from(cause);
    throw new ServingError(code, `${file}: ${message}`, { cause });
  }
}

/** `model`: the file's name, or the bytes of what it was made to. */
async function open(file: string, model: Uint8Array | string, threads: number): Promise<InferenceSession> {
  try {
    const options: InferenceSession.SessionOptions = {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      // What it would print of a failed run is in the error that it throws.
      logSeverityLevel: 4,
    };
    // The same call has a form for each, and none for both.
    return typeof model === 'string'
      ? await InferenceSession.create(model, options)
      : await InferenceSession.create(model, options);
  } catch (cause) {
    throw new ServingError('MODEL_INVALID', `${file} cannot be loaded: ${errorMessage(cause)}`, { cause });
  }
}

function tensorOf({ name, datatype, shape, data }: RawTensor): Tensor {
  // Its constructor takes each type by itself, and every one of these.
  const any = Tensor as unknown as new (type: string, data: TensorArray, shape: readonly number[]) => Tensor;
  return new any(elementType(datatype), toArray(name, datatype, data), shape);
}

function tensorsOf({ inputMetadata, outputMetadata }: InferenceSession): NetworkTensors {
  return { inputs: inputMetadata.map(specOf), outputs: outputMetadata.map(specOf) };
}

function specOf(value: InferenceSession.ValueMetadata): TensorSpec {
  const { name } = value;
  const type = value.isTensor ? value.type : 'a sequence or map';
  const datatype = datatypeNamed(type);
  if (!value.isTensor || datatype === null) {
    throw new ServingError('MODEL_INVALID', `tensor '${name}' is ${type}, which cannot be served`);
  }
  return { name, datatype, shape: value.shape.map((dim) => (typeof dim === 'number' ? dim : -1)) };
}

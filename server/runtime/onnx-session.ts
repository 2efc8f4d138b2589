import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { errorMessage, ServingError } from '../core/errors.js';
import type { NetworkInput } from '../core/network-input.js';
import { rewriteForServing } from '../onnx/rewrite.js';
import { rewriteForTexts, type ServedTexts, type TextInput } from '../onnx/rewrite-texts.js';

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
export class OnnxSession implements AsyncDisposable {
  /** What had to be changed in the model to serve it, in words. */
  readonly changes: readonly string[];
  readonly #session: InferenceSession;
  readonly #input: string;

  private constructor(session: InferenceSession, input: string, changes: readonly string[]) {
    this.#session = session;
    this.#input = input;
    this.changes = changes;
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

async function open(file: string, bytes: Uint8Array, threads: number): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(bytes, {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
    });
  } catch (cause) {
    throw new ServingError('MODEL_INVALID', `${file} cannot be loaded: ${errorMessage(cause)}`, { cause });
  }
}

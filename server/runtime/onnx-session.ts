import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { errorMessage, ServingError } from '../core/errors.js';
import type { NetworkInput } from '../core/network-input.js';
import { rewriteForServing } from '../onnx/rewrite.js';

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
    let bytes: Uint8Array;
    try {
      bytes = await readFile(file);
    } catch (cause) {
      throw new ServingError('MODEL_INVALID', `${file} cannot be read: ${errorMessage(cause)}`, { cause });
    }
    const rewritten = size === null ? { bytes, changes: [] } : rewrite(file, bytes, size);
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

  /** Runs NCHW float32 `values` of `shape`. The outputs come in the order of the model. Throws DEVICE_OUT_OF_MEMORY. */
  async run(values: Float32Array, shape: readonly number[]): Promise<OutputTensor[]> {
    let outputs: InferenceSession.OnnxValueMapType;
    try {
      outputs = await this.#session.run({ [this.#input]: new Tensor('float32', values, shape) });
    } catch (cause) {
      const why = errorMessage(cause);
      const code = /alloc|memory/i.test(why) ? 'DEVICE_OUT_OF_MEMORY' : 'INTERNAL';
      throw new ServingError(code, `the model failed to run: ${why}`, { cause });
    }
    return this.#session.outputNames.map((name) => {
      const tensor = outputs[name] as Tensor;
      if (!(tensor.data instanceof Float32Array)) {
        throw new ServingError(
          'MODEL_INVALID',
          `output ${name} is of type ${tensor.type}; a vision task needs float32`,
        );
      }
      return { name, shape: tensor.dims, data: tensor.data };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.release();
  }
}

function rewrite(file: string, bytes: Uint8Array, size: NetworkInput): ReturnType<typeof rewriteForServing> {
  try {
    return rewriteForServing(bytes, size);
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

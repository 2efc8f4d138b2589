import type { TensorSignature } from '../core/tensors.js';
import { GpuNetwork } from './gpu-network.js';
import { guarded } from './guarded.js';
import { replyTo, timed, type PhaseClock } from './frame-batch.js';
import type { ServedInstance } from './instance.js';
import type { BatchDone, FrameTask, InstanceSpec, Placement, TensorBatch, TensorsDone } from './messages.js';
import { pluginFiles } from './model-directory.js';
import { loadNativeGpu, type GpuTextInstanceSpec, type NativeGpuTextInstance } from './native-gpu.js';
import { gpuTextTask } from './tasks/gpu-task.js';
import { batchOf, longestBatch, rolesOf, type TextBatch, type TextRole } from './text/text-batch.js';
import { readTexts } from './text/text-frames.js';
import { servedTexts } from './text/served-texts.js';
import { Tokenizer } from './text/tokenizer.js';
import { TensorRunner } from './tensor-runner.js';
import { warmUpRuns } from './warm-up.js';

type GpuPlacement = Placement & { readonly kind: 'gpu' };

/** One instance of a model that reads texts, on a GPU: texts become tokens on this thread, what follows runs there. */
export class GpuTextInstance implements ServedInstance {
  readonly layout = null;
  readonly notes: readonly string[];
  readonly #spec: InstanceSpec;
  readonly #gpu: NativeGpuTextInstance;
  readonly #tensors: TensorRunner;
  readonly #tokenizer: Tokenizer;
  /** What each input of the plan holds. */
  readonly #roles: readonly TextRole[];
  #columns = 0;

  private constructor(spec: InstanceSpec, gpu: NativeGpuTextInstance, tokenizer: Tokenizer) {
    this.#spec = spec;
    this.#gpu = gpu;
    this.#tokenizer = tokenizer;
    const { rowLength } = servedTexts(spec.config);
    this.#tensors = new TensorRunner(new GpuNetwork(gpu, { batched: true, row: [rowLength ?? -1] }), spec.config);
    const names = guarded(() => gpu.inputNames());
    this.#roles = rolesOf(names, spec.config.tokenizer.inputs);
    this.#warmUp();
    this.notes = guarded(() => gpu.notes());
  }

  /** Loads the plan, checks its outputs against the task and runs the warm-up. Throws a ServingError. */
  static async create(spec: InstanceSpec, placement: GpuPlacement): Promise<GpuTextInstance> {
    const tokenizer = await Tokenizer.create(spec.modelFile, spec.config.tokenizer);
    const gpu = guarded(() => loadNativeGpu().openTextInstance(nativeSpec(spec, placement)));
    try {
      return new GpuTextInstance(spec, gpu, tokenizer);
    } catch (error) {
      gpu.close();
      throw error;
    }
  }

  get signature(): TensorSignature {
    return this.#tensors.signature;
  }

  infer(batch: TensorBatch): Promise<TensorsDone> {
    return this.#tensors.infer(batch);
  }

  async execute(tasks: readonly FrameTask[]): Promise<BatchDone> {
    const phases: PhaseClock = { decode: 0, preprocess: 0, infer: 0, postprocess: 0 };
    const read = await timed(phases, 'preprocess', () => readTexts(tasks, this.#tokenizer));
    const readable = read.flatMap(({ frame, ids }) => (ids === null ? [] : [{ frame, ids }]));
    if (readable.length > 0) {
      const texts = readable.map(({ ids }) => ids);
      const batch = batchOf(texts, this.#tokenizer.pad, servedTexts(this.#spec.config).rowLength);
      const { values, columns, phases: took } = this.#run(batch);
      readable.forEach(({ frame }, row) => {
        frame.results[0] = values.subarray(row * columns, (row + 1) * columns);
      });
      for (const phase of ['preprocess', 'infer', 'postprocess'] as const) phases[phase] += took[phase];
    }
    const frames = read.map(({ frame }) => frame);
    return replyTo(frames, { columns: this.#columns }, phases);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#gpu.close();
  }

  #run({ length, lengths, values }: TextBatch): ReturnType<NativeGpuTextInstance['run']> {
    const inputs = this.#roles.map((role) => values[role]);
    return guarded(() => this.#gpu.run({ inputs, length, tokens: lengths }));
  }

  /** Runs what the configuration asks for on unknown words, in rows as long as they may be. */
  #warmUp(): void {
    const { config } = this.#spec;
    for (const rows of warmUpRuns(config)) {
      this.#columns = this.#run(longestBatch(rows, config.tokenizer.max_length, this.#tokenizer.unknown)).columns;
    }
  }
}

function nativeSpec({ modelFile, config, labels }: InstanceSpec, placement: GpuPlacement): GpuTextInstanceSpec {
  const { tensorrt, tokenizer } = config;
  return {
    device: placement.device,
    planFile: placement.planFile,
    weightsFile: placement.weightsFile,
    plugins: pluginFiles(modelFile, tensorrt.plugins),
    versionCompatible: tensorrt.version_compatible,
    task: gpuTextTask(config, labels),
    maxBatchSize: config.max_batch_size,
    maxLength: tokenizer.max_length,
    executionContexts: tensorrt.execution_contexts,
    cudaGraphs: tensorrt.cuda_graphs,
  };
}

import type { TensorSignature } from '../core/tensors.js';
import type { TextInput } from '../onnx/rewrite-texts.js';
import { replyTo, timed, type PhaseClock, type RowShape } from './frame-batch.js';
import type { ServedInstance } from './instance.js';
import type { BatchDone, FrameTask, InstanceSpec, TensorBatch, TensorsDone } from './messages.js';
import { loadNative } from './native.js';
import { OnnxSession, type OutputTensor } from './onnx-session.js';
import { createTask } from './tasks/index.js';
import type { BatchRow, Task } from './tasks/task.js';
import { batchOf, longestBatch, rolesOf, valuesFor, type TextBatch, type TextRole } from './text/text-batch.js';
import { readTexts } from './text/text-frames.js';
import { servedTexts } from './text/served-texts.js';
import { Tokenizer } from './text/tokenizer.js';
import { TensorRunner } from './tensor-runner.js';
import { warmUpRuns } from './warm-up.js';

/** A text has no coordinates. */
const NOWHERE: Pick<BatchRow, 'toPicture' | 'picture' | 'box'> = {
  toPicture: [1, 0, 0, 0, 1, 0],
  picture: { width: 0, height: 0 },
  box: [0, 0, 0, 0],
};

interface ReadingModel {
  readonly session: OnnxSession;
  readonly inputs: readonly (TextInput & { readonly role: TextRole })[];
  readonly tokenizer: Tokenizer;
}

/** One instance of a model that reads texts, on the CPU: splits them into tokens, infers, post-processes. */
export class CpuTextInstance implements ServedInstance {
  readonly layout = null;
  readonly #spec: InstanceSpec;
  readonly #model: ReadingModel;
  readonly #tensors: TensorRunner;
  readonly #task: Task;
  #shape: RowShape = { columns: 0 };

  private constructor(spec: InstanceSpec, model: ReadingModel) {
    this.#spec = spec;
    this.#model = model;
    this.#tensors = new TensorRunner(model.session, spec.config);
    this.#task = createTask(spec.config, loadNative(), spec.labels);
  }

  /** Loads the model, checks its outputs against the task and runs the warm-up. Throws CONFIG_INVALID or MODEL_INVALID. */
  static async create(spec: InstanceSpec, threads: number): Promise<CpuTextInstance> {
    const { modelFile, config } = spec;
    const tokenizer = await Tokenizer.create(modelFile, config.tokenizer);
    const { session, inputs } = await OnnxSession.createForTexts(modelFile, servedTexts(config), threads);
    try {
      const names = inputs.map(({ name }) => name);
      const roles = rolesOf(names, config.tokenizer.inputs);
      const fed = inputs.map((input, index) => ({ ...input, role: roles[index]! }));
      const instance = new CpuTextInstance(spec, { session, inputs: fed, tokenizer });
      await instance.#warmUp();
      return instance;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  }

  get notes(): readonly string[] {
    return this.#model.session.changes.map((change) => `model file: ${change}`);
  }

  async execute(tasks: readonly FrameTask[]): Promise<BatchDone> {
    const phases: PhaseClock = { decode: 0, preprocess: 0, infer: 0, postprocess: 0 };
    const read = await timed(phases, 'preprocess', () => readTexts(tasks, this.#model.tokenizer));
    const readable = read.flatMap(({ frame, ids }) => (ids === null ? [] : [{ frame, ids }]));
    if (readable.length > 0) {
      const texts = readable.map(({ ids }) => ids);
      const batch = batchOf(texts, this.#model.tokenizer.pad, servedTexts(this.#spec.config).rowLength);
      const outputs = await timed(phases, 'infer', () => this.#infer(batch));
      await timed(phases, 'postprocess', async () => {
        const rows = readable.map(({ frame, ids }) => ({
          ...NOWHERE,
          parameters: frame.parameters,
          tokens: ids.length,
        }));
        (await this.#task.postprocess(outputs, rows)).forEach(({ table }, index) => {
          readable[index]!.frame.results[0] = table;
        });
      });
    }
    const frames = read.map(({ frame }) => frame);
    return replyTo(frames, this.#shape, phases);
  }

  get signature(): TensorSignature {
    return this.#tensors.signature;
  }

  infer(batch: TensorBatch): Promise<TensorsDone> {
    return this.#tensors.infer(batch);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#model.session[Symbol.asyncDispose]();
  }

  #infer({ rows, length, values }: TextBatch): Promise<OutputTensor[]> {
    const { session, inputs } = this.#model;
    return session.runAll(
      inputs.map(({ name, type, role }) => ({
        name,
        type,
        shape: [rows, length],
        data: valuesFor(type, values[role]),
      })),
    );
  }

  /** As for pictures, on rows as long as they may be. */
  async #warmUp(): Promise<void> {
    const { tokenizer } = this.#model;
    for (const rows of warmUpRuns(this.#spec.config)) {
      const outputs = await this.#infer(longestBatch(rows, this.#spec.config.tokenizer.max_length, tokenizer.unknown));
      this.#task.check(outputs, rows);
      this.#shape = this.#task.shape(outputs);
    }
  }
}

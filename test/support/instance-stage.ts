import { readdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServingError } from '../../server/core/errors.js';
import { requireTable, type BatchResult, type InferenceRequest } from '../../server/core/inference.js';
import { InstanceGroup } from '../../server/runtime/instance-group.js';
import { cpuPlacements } from '../../server/runtime/placement.js';
import { makeConfig, makeRequest } from './requests.js';
import { COLUMNS, type BatchCommand, type LoadCommand } from './worker-double.js';

const WORKER_DOUBLE = new URL('./worker-double.js', import.meta.url);

/** What the double told in the answer to one request. */
export interface Answer {
  /** Which load of the stage made the instance that answered, from 0. */
  readonly load: number;
  /** CPU threads that the instance was given. */
  readonly threads: number;
  /** Place of the request in its batch. */
  readonly frame: number;
}

/** A place where threads are held. */
export interface Hold {
  readonly command: `hold ${string}`;
  readonly die: BatchCommand;
  readonly leave: BatchCommand;
  readonly release: () => Promise<void>;
}

/** Where instance groups play whose workers fail on command. */
export class Stage implements AsyncDisposable {
  /** Every line that the groups have logged, as `level message`. */
  readonly log: string[] = [];
  /** What the groups have told of a device that is lost. */
  readonly losses: string[] = [];
  readonly #directory: string;
  #held = 0;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** `plan` says how each load goes, in the order in which they come; those beyond it succeed. */
  static async create(plan: readonly LoadCommand[] = []): Promise<Stage> {
    const stage = new Stage(await mkdtemp(join(tmpdir(), 'sluice-stage-')));
    await stage.plan(plan);
    return stage;
  }

  async plan(plan: readonly LoadCommand[]): Promise<void> {
    await writeFile(join(this.#directory, 'plan'), plan.join('\n'));
  }

  /** A group of `instance_group: keys`. */
  group(keys: Readonly<Record<string, unknown>> = {}, threads = 2): Promise<InstanceGroup> {
    const config = makeConfig({ instance_group: keys });
    return InstanceGroup.create({
      spec: { modelFile: this.#directory, config, labels: 0, maxPicturePixels: 1 },
      placements: cpuPlacements(config, threads),
      log: (level, message) => this.log.push(`${level} ${message}`),
      workerFile: WORKER_DOUBLE,
      onDeviceLost: (why) => this.losses.push(why),
    });
  }

  /** Commands that keep a thread from going on until `release` is called. */
  hold(): Hold {
    const file = join(this.#directory, `released-${this.#held++}`);
    const release = () => writeFile(file, '');
    return { command: `hold ${file}`, die: `die ${file}`, leave: `leave ${file}`, release };
  }

  /** Loads that have begun. */
  async loads(): Promise<number> {
    return (await readdir(this.#directory)).filter((name) => name.startsWith('load-')).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Runs a batch of one request. */
export async function execute(group: InstanceGroup, command: BatchCommand): Promise<Answer> {
  const [answer] = await executeAll(group, [command]);
  if (answer === undefined) throw new Error('the batch has no result');
  return answer;
}

/** Runs a batch, whose first command says how it goes. */
export async function executeAll(group: InstanceGroup, commands: readonly BatchCommand[]): Promise<Answer[]> {
  const batch = commands.map((command) => request(Buffer.from(command)));
  return toAnswers(await group.execute(batch));
}

/** A request whose picture is `bytes`. */
export function request(bytes: Uint8Array): InferenceRequest {
  return { ...makeRequest(0), content: { kind: 'encoded', bytes } };
}

export function toAnswers({ results }: BatchResult): Answer[] {
  return results.map(({ outcome }) => {
    if (outcome instanceof Error) throw outcome;
    const { values } = requireTable(outcome);
    const value = (column: keyof typeof COLUMNS) => values[COLUMNS[column]] ?? Number.NaN;
    return { load: value('load'), threads: value('threads'), frame: value('frame') };
  });
}

/** How a batch failed; throws when it did not. */
export async function failure(run: Promise<unknown>): Promise<ServingError> {
  const outcome = await run.then(
    () => null,
    (error: unknown) => error as ServingError,
  );
  if (outcome === null) throw new Error('the batch was expected to fail');
  return outcome;
}

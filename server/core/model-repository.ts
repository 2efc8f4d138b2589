import { quoted, ServingError } from './errors.js';
import { ModelLifecycle, type LifecycleListener, type ModelLoader, type VersionStatus } from './model-lifecycle.js';
import type { ModelOverride, ModelOverrides } from './model-override.js';
import type { Model, ModelLease } from './model.js';
import {
  scanModel,
  scanRepository,
  type ConfigParser,
  type ConfigWarning,
  type ModelSnapshot,
} from './repository-scan.js';
import type { AskedSequence } from './sequences/sequence-step.js';
import type { TaskName } from './tasks.js';
import { usedModels } from './used-models.js';

/** none: load all once, at start. poll: follow the directory. explicit: load and unload when told. */
export type ModelControlMode = 'none' | 'poll' | 'explicit';

export interface RepositoryOptions {
  readonly directory: string;
  readonly controlMode: ModelControlMode;
  /** With `explicit`: the models to load at start; `*` means all. */
  readonly loadAtStart: readonly string[];
  readonly parseConfig: ConfigParser;
  readonly load: ModelLoader;
  /** Told of what a configuration says and is not done, whenever that has changed. */
  readonly warn: (model: string, warning: ConfigWarning) => void;
  readonly listener: LifecycleListener;
  /** Of the models at start. */
  readonly overrides?: ModelOverrides;
}

export interface ModelStatus {
  readonly name: string;
  readonly versions: readonly VersionStatus[];
}

/** The directory of models and what of it is loaded. */
export class ModelRepository implements AsyncDisposable {
  readonly #options: RepositoryOptions;
  readonly #models = new Map<string, ModelLifecycle>();
  /** As each model was last seen on disk. */
  readonly #snapshots = new Map<string, ModelSnapshot>();
  #starting = true;
  readonly #overrides: Map<string, ModelOverride>;
  #closed = false;

  constructor(options: RepositoryOptions) {
    this.#options = options;
    this.#overrides = new Map(options.overrides);
  }

  /** Loads what the control mode says is to be loaded at start; resolves when each is READY or UNAVAILABLE. */
  async start(): Promise<void> {
    const { controlMode, loadAtStart } = this.#options;
    const snapshots = await this.#scan();
    const all = controlMode !== 'explicit' || loadAtStart.includes('*');
    const wanted = all ? snapshots : snapshots.filter(({ name }) => loadAtStart.includes(name));
    for (const name of all ? [] : loadAtStart) {
      if (!snapshots.some((snapshot) => snapshot.name === name)) throw this.#notInRepository(name);
    }
    await Promise.all(wanted.map((snapshot) => this.#reconcile(snapshot)));
    this.#starting = false;
  }

  /** Whether models are still to come, so that one that is missing may only be late. */
  get starting(): boolean {
    return this.#starting;
  }

  /**
   * Looks at the directory again: loads what is new, reloads what has changed, unloads what has gone. A model that is
   * still busy with an earlier change is left for the next time.
   */
  async refresh(): Promise<void> {
    const snapshots = await this.#scan();
    const free = ({ name }: { readonly name: string }): boolean => this.#models.get(name)?.busy !== true;
    const gone = [...this.#models.values()].filter(({ name }) => !snapshots.some((found) => found.name === name));
    await Promise.all([
      ...snapshots.filter(free).map((snapshot) => this.#reconcile(snapshot)),
      ...gone.filter(free).map((lifecycle) => this.#remove(lifecycle)),
    ]);
  }

  /**
   * Loads a model, or brings it up to date. `override` stands in place of what the repository has until it is loaded
   * again; it counts where it was loaded with it. Throws MODEL_NOT_FOUND, the reason of a device that could not take it,
   * or MODEL_INVALID with any other reason.
   */
  async load(name: string, override: ModelOverride | null = null): Promise<void> {
    if (this.#closed) throw shuttingDown();
    const before = this.#overrides.get(name) ?? null;
    this.#override(name, override);
    const snapshot = await this.#scanOne(name);
    if (snapshot === null) {
      this.#override(name, null);
      throw this.#notInRepository(name);
    }
    await this.#reconcile(snapshot, true);
    const failure = this.#models.get(name)?.failure() ?? null;
    if (failure === null) return;
    if ((this.#overrides.get(name) ?? null) === override) this.#override(name, before);
    // What lies at the device may be gone later, or elsewhere; anything else lies at the model.
    const code = failure.code.startsWith('DEVICE_') ? failure.code : 'MODEL_INVALID';
    throw new ServingError(code, `model ${name} was not loaded: ${failure.message}`, { cause: failure });
  }

  /** Resolves when nothing is left of what has been replaced of a model. */
  async released(name: string): Promise<void> {
    await this.#models.get(name)?.released();
  }

  /** Unloads a model and waits until its memory is free. Throws MODEL_NOT_FOUND. */
  async unload(name: string): Promise<void> {
    const lifecycle = this.#models.get(name);
    if (lifecycle === undefined) throw this.#notLoaded(name);
    this.#override(name, null);
    await this.#remove(lifecycle);
  }

  /**
   * The right to use a model while it answers. `version` null takes the newest ready one; a `sequence` that is open goes on
   * where it began. Throws MODEL_NOT_FOUND, VERSION_NOT_FOUND, MODEL_NOT_READY or SHUTTING_DOWN.
   */
  acquire(name: string, version: number | null, sequence: AskedSequence | null = null): ModelLease {
    if (this.#closed) throw shuttingDown();
    const lifecycle = this.#models.get(name);
    if (lifecycle === undefined && this.#starting) {
      throw new ServingError('MODEL_NOT_READY', `no model ${quoted(name)} yet: the server is starting; ask again`);
    }
    if (lifecycle === undefined) throw this.#notLoaded(name);
    return lifecycle.model(version, sequence).lease();
  }

  /**
   * Resolves when a model serves that `user`, a pipeline or an ensemble, runs. One that loads is waited for; with
   * `explicit` one that nobody has loaded is loaded. Throws why it does not serve, or the reason of the signal.
   */
  async whenReady(name: string, version: number | null, user: string, signal: AbortSignal): Promise<void> {
    const snapshot = await this.#scanOne(name);
    if (snapshot === null) throw this.#notInRepository(name);
    // Before anything is waited for: models that run one another would wait for ever.
    if (!(snapshot.content instanceof ServingError) && snapshot.content.config.task === 'pipeline') {
      const itself = name === user ? ' itself' : '';
      throw new ServingError('MODEL_INVALID', `model ${name} is a pipeline${itself}; name the models of its stages`);
    }
    if (await this.#runs(snapshot, user, new Set())) {
      throw new ServingError(
        'MODEL_INVALID',
        `model ${name} runs ${user} in turn; models must not run one another in a circle`,
      );
    }
    const lifecycle = this.#models.get(name);
    if (lifecycle !== undefined) await unlessAborted(lifecycle.settled(), signal);
    else if (this.#options.controlMode === 'explicit') await unlessAborted(this.load(name), signal);
    this.acquire(name, version)[Symbol.dispose]();
  }

  /** Whether `acquire` would give a lease now. */
  isReady(name: string, version: number | null): boolean {
    const ready = this.#closed ? [] : (this.#models.get(name)?.ready() ?? []);
    return ready.some((model) => version === null || model.version === version);
  }

  /** Every known model with its versions, by name. */
  index(): ModelStatus[] {
    return [...this.#models.values()]
      .map((lifecycle) => ({ name: lifecycle.name, versions: lifecycle.status() }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The task of a model as its configuration was last read; null: it could not be, or the model is being unloaded. */
  taskOf(name: string): TaskName | null {
    const content = this.#snapshots.get(name)?.content;
    return content === undefined || content instanceof ServingError ? null : content.config.task;
  }

  /** Every version that serves now. */
  ready(): Model[] {
    return [...this.#models.values()].flatMap((lifecycle) => lifecycle.ready());
  }

  /** Stops giving out leases and unloads everything once the running requests have been answered. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#models.values()].map((lifecycle) => lifecycle.close()));
    this.#models.clear();
  }

  async #scan(): Promise<ModelSnapshot[]> {
    const { directory, parseConfig } = this.#options;
    try {
      return await scanRepository(directory, parseConfig, this.#overrides);
    } catch (cause) {
      const why = ServingError.from(cause).message;
      throw new ServingError('CONFIG_INVALID', `the model repository cannot be read: ${why}; set --model-repository`, {
        cause,
      });
    }
  }

  #scanOne(name: string): Promise<ModelSnapshot | null> {
    const { directory, parseConfig } = this.#options;
    return scanModel(directory, name, parseConfig, this.#overrides);
  }

  #override(name: string, override: ModelOverride | null): void {
    if (override === null) this.#overrides.delete(name);
    else this.#overrides.set(name, override);
  }

  async #reconcile(snapshot: ModelSnapshot, retry = false): Promise<void> {
    if (this.#closed) return;
    let lifecycle = this.#models.get(snapshot.name);
    if (lifecycle === undefined) {
      lifecycle = new ModelLifecycle(snapshot.name, this.#options.load, this.#changed);
      this.#models.set(snapshot.name, lifecycle);
    }
    this.#warnOf(snapshot);
    this.#snapshots.set(snapshot.name, snapshot);
    await lifecycle.reconcile(snapshot, retry);
  }

  readonly #changed: LifecycleListener = (name, status) => {
    this.#options.listener(name, status);
    if (status?.state === 'READY' && status.reason === null) this.#retryUsersOf(name);
  };

  /** A pipeline or an ensemble that failed for want of a model is tried again when that one serves. */
  #retryUsersOf(name: string): void {
    for (const [user, snapshot] of this.#snapshots) {
      const lifecycle = this.#models.get(user);
      if (snapshot.content instanceof ServingError || lifecycle === undefined) continue;
      const uses = usedModels(snapshot.content.config).includes(name);
      if (!uses || lifecycle.busy || lifecycle.failure() === null) continue;
      void this.#reconcile(snapshot, true);
    }
  }

  /** Whether a model is `user`, or runs it, by way of whatever others. */
  async #runs({ name, content }: ModelSnapshot, user: string, seen: Set<string>): Promise<boolean> {
    if (name === user) return true;
    if (content instanceof ServingError || seen.has(name)) return false;
    seen.add(name);
    for (const used of usedModels(content.config)) {
      const snapshot = await this.#scanOne(used);
      if (snapshot !== null && (await this.#runs(snapshot, user, seen))) return true;
    }
    return false;
  }

  #warnOf({ name, content }: ModelSnapshot): void {
    const warnings = content instanceof ServingError ? [] : content.warnings;
    const before = this.#snapshots.get(name)?.content ?? null;
    const known = before === null || before instanceof ServingError ? [] : before.warnings;
    if (JSON.stringify(warnings) === JSON.stringify(known)) return;
    for (const warning of warnings) this.#options.warn(name, warning);
  }

  async #remove(lifecycle: ModelLifecycle): Promise<void> {
    this.#snapshots.delete(lifecycle.name);
    await lifecycle.close();
    if (lifecycle.status().length === 0) this.#models.delete(lifecycle.name);
  }

  #notInRepository(name: string): ServingError {
    return new ServingError('MODEL_NOT_FOUND', `the repository has no model directory ${quoted(name)}`);
  }

  #notLoaded(name: string): ServingError {
    const known = [...this.#models.keys()].sort().join(', ');
    const has = known === '' ? 'no models are loaded' : `the loaded models are: ${known}`;
    return new ServingError('MODEL_NOT_FOUND', `no model ${quoted(name)}; ${has}`);
  }
}

/** What `work` comes to; throws the reason of the signal where that comes first. */
async function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let abort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(ServingError.from(signal.reason));
    signal.addEventListener('abort', abort);
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Why a server that drains loads nothing more. */
export function shuttingDown(): ServingError {
  return new ServingError('SHUTTING_DOWN', 'the server is shutting down; ask another one');
}

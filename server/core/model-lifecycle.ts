import { ServingError } from './errors.js';
import type { ModelState } from './model-state.js';
import type { Model } from './model.js';
import type { ModelContent, ModelSnapshot, VersionFile } from './repository-scan.js';
import { RetiredModels } from './sequences/retired-models.js';
import type { AskedSequence } from './sequences/sequence-step.js';
import { selectVersions } from './version-policy.js';

export interface VersionStatus {
  readonly version: number;
  readonly state: ModelState;
  /** Why it is UNAVAILABLE, or why the last reload failed; else null. */
  readonly reason: string | null;
}

/** Loads one version until it is warm. Throws a ServingError, the reason of the signal where that ends it. */
export type ModelLoader = (
  name: string,
  content: ModelContent,
  version: VersionFile,
  signal: AbortSignal,
) => Promise<Model>;

/** Told of everything that happens to a version; null: one that was unloaded is gone. */
export type LifecycleListener = (name: string, status: VersionStatus | null) => void;

interface VersionSlot {
  readonly version: number;
  state: ModelState;
  reason: string | null;
  /** What was last tried to load. */
  fingerprint: string;
  /** Why that failed; null: it did not. */
  failure: ServingError | null;
  /** The model that serves, set while READY. */
  model: Model | null;
  /** Whether the listener has heard of it. */
  announced: boolean;
}

function newSlot(version: number): VersionSlot {
  return { version, state: 'LOADING', reason: null, fingerprint: '', failure: null, model: null, announced: false };
}

/**
 * The versions of one model. Brings what is loaded in line with what is on disk, one change at a time: new versions
 * load and warm up beside the old ones, then take over, and the old ones end when their last request has been answered.
 * What fails to load never takes away what serves.
 */
export class ModelLifecycle {
  readonly name: string;
  readonly #load: ModelLoader;
  readonly #listener: LifecycleListener;
  readonly #slots = new Map<number, VersionSlot>();
  /** Set while the directory as a whole cannot be used. */
  #problem: ServingError | null = null;
  #work: Promise<void> = Promise.resolve();
  #pending = 0;
  /** Ends what loads when the model is not wanted any more. */
  #abandon = new AbortController();
  readonly #unloading = new Set<Promise<void>>();
  readonly #retired = new RetiredModels();

  constructor(name: string, load: ModelLoader, listener: LifecycleListener) {
    this.name = name;
    this.#load = load;
    this.#listener = listener;
  }

  /**
   * Brings the loaded versions in line with `snapshot`; null unloads all. Resolves when done, whatever the outcome. What
   * failed to load is tried again when it has changed, or when `retry` asks for it.
   */
  reconcile(snapshot: ModelSnapshot | null, retry = false): Promise<void> {
    this.#pending += 1;
    this.#work = this.#work.then(() => this.#reconcile(snapshot, retry)).finally(() => (this.#pending -= 1));
    return this.#work;
  }

  /** Whether a change is under way. */
  get busy(): boolean {
    return this.#pending > 0;
  }

  /** Resolves when no change is under way any more. */
  async settled(): Promise<void> {
    while (this.busy) await this.#work;
  }

  /** Resolves when nothing is left of the versions that have been replaced or unloaded. */
  async released(): Promise<void> {
    await Promise.all(this.#unloading);
  }

  /** Unloads everything and waits for it; what still loads is told to end. */
  async close(): Promise<void> {
    this.#abandon.abort(new ServingError('MODEL_NOT_READY', `model ${this.name} is being unloaded`));
    await this.reconcile(null);
    this.#abandon = new AbortController();
    await this.released();
  }

  /** The states of all versions, ascending; a directory that cannot be used counts as version 0. */
  status(): VersionStatus[] {
    const versions = [...this.#slots.values()]
      .sort((a, b) => a.version - b.version)
      .map(({ version, state, reason }) => ({ version, state, reason }));
    if (versions.length > 0 || this.#problem === null) return versions;
    return [{ version: 0, state: 'UNAVAILABLE', reason: this.#problem.message }];
  }

  /** Why the first of the versions that are not up to date failed to load; null: none did. */
  failure(): ServingError | null {
    const slots = [...this.#slots.values()].sort((a, b) => a.version - b.version);
    return this.#problem ?? slots.find(({ reason }) => reason !== null)?.failure ?? null;
  }

  /** The models that serve now. */
  ready(): Model[] {
    return [...this.#slots.values()].flatMap((slot) => (slot.model === null ? [] : [slot.model]));
  }

  /**
   * The ready model of `version`, or the newest; the one that it began with for a request of a sequence that is open.
   * Throws VERSION_NOT_FOUND or MODEL_NOT_READY.
   */
  model(version: number | null, sequence: AskedSequence | null = null): Model {
    const goesOn = sequence === null ? null : this.#retired.goingOn(sequence, version, this.ready());
    if (goesOn !== null) return goesOn;
    if (version === null) {
      const newest = this.ready().reduce<Model | null>((a, b) => (a !== null && a.version > b.version ? a : b), null);
      if (newest !== null) return newest;
      throw new ServingError('MODEL_NOT_READY', `model ${this.name} is not ready: ${this.#whyNot()}`);
    }
    const slot = this.#slots.get(version);
    if (slot === undefined) {
      const known = [...this.#slots.keys()].sort((a, b) => a - b).join(', ');
      throw new ServingError(
        'VERSION_NOT_FOUND',
        `model ${this.name} does not serve version ${version}; it serves ${known || 'none'}`,
      );
    }
    if (slot.model !== null) return slot.model;
    throw new ServingError('MODEL_NOT_READY', `model ${this.name} version ${version} is ${describe(slot)}`);
  }

  async #reconcile(snapshot: ModelSnapshot | null, retry: boolean): Promise<void> {
    const content = snapshot?.content ?? null;
    if (content instanceof ServingError) {
      this.#reportProblem(content);
      return;
    }
    this.#problem = null;
    this.#retired.nextChange();
    const wanted = content === null ? [] : wantedVersions(content);
    const missing = content === null ? [] : missingVersions(content);
    const loaded =
      content === null ? [] : await Promise.all(wanted.map((file) => this.#loadVersion(content, file, retry)));
    for (const version of missing) this.#reportMissing(version);

    const keep = new Set([...wanted.map((file) => file.version), ...missing]);
    const complete = missing.length === 0 && loaded.every(Boolean);
    const onDisk = new Set(content?.versions.map((file) => file.version));
    for (const slot of this.#slots.values()) {
      if (keep.has(slot.version)) continue;
      // A version that the policy has left behind goes only when its successors serve.
      if (!complete && onDisk.has(slot.version) && slot.model !== null) continue;
      // Of a model that is not wanted any more nothing goes on.
      if (content === null) slot.model?.endSequences();
      this.#unload(slot);
    }
    if (content === null) this.#retired.endSequences();
  }

  #reportProblem(problem: ServingError): void {
    this.#problem = problem;
    if (this.#slots.size === 0)
      this.#listener(this.name, { version: 0, state: 'UNAVAILABLE', reason: problem.message });
    for (const slot of this.#slots.values()) this.#set(slot, slot.state, problem.message);
  }

  /** True when the version serves what is on disk. */
  async #loadVersion(content: ModelContent, file: VersionFile, retry: boolean): Promise<boolean> {
    const existing = this.#slots.get(file.version);
    const slot = existing === undefined || existing.state === 'UNLOADING' ? newSlot(file.version) : existing;
    this.#slots.set(file.version, slot);
    if (slot.fingerprint === file.fingerprint && !(retry && slot.failure !== null)) {
      // What was wrong with the directory meanwhile is so no longer; what is wrong with the file still is.
      this.#set(slot, slot.state, slot.failure?.message ?? null);
      return slot.failure === null;
    }
    slot.fingerprint = file.fingerprint;
    this.#set(slot, slot.model === null ? 'LOADING' : 'READY', null);
    try {
      if (file.problem !== undefined) throw file.problem;
      const model = await this.#load(this.name, content, file, this.#abandon.signal);
      const old = slot.model;
      slot.model = model;
      slot.failure = null;
      this.#set(slot, 'READY', null);
      if (old !== null) this.#dispose(old, () => {});
      return true;
    } catch (cause) {
      slot.failure = ServingError.from(cause);
      this.#set(slot, slot.model === null ? 'UNAVAILABLE' : 'READY', slot.failure.message);
      return false;
    }
  }

  /** A version that the policy names and the disk does not have. */
  #reportMissing(version: number): void {
    const existing = this.#slots.get(version);
    if (existing?.model != null) this.#unload(existing);
    const slot = newSlot(version);
    const why = `version_policy names version ${version}, but there is no directory of that name`;
    slot.failure = new ServingError('MODEL_INVALID', why);
    this.#slots.set(version, slot);
    this.#set(slot, 'UNAVAILABLE', why);
  }

  /** The slot stays, UNLOADING, until the last request has been answered and the memory is free. */
  #unload(slot: VersionSlot): void {
    if (slot.state === 'UNLOADING') return;
    const { model } = slot;
    slot.model = null;
    this.#set(slot, 'UNLOADING', null);
    const forget = (): void => {
      // Another slot has taken its place when the version was loaded again meanwhile.
      if (this.#slots.get(slot.version) !== slot) return;
      this.#slots.delete(slot.version);
      this.#listener(this.name, null);
    };
    if (model === null) forget();
    else this.#dispose(model, forget);
  }

  /** Ends a model in the background: its leases may be held for as long as a batch takes, or a sequence. */
  #dispose(model: Model, then: () => void): void {
    this.#retired.add(model);
    const failed = (cause: unknown): void => {
      const reason = `its memory was not freed: ${ServingError.from(cause).message}`;
      this.#listener(this.name, { version: model.version, state: 'UNLOADING', reason });
    };
    const done = model[Symbol.asyncDispose]()
      .catch(failed)
      .then(then)
      .finally(() => {
        this.#retired.delete(model);
        this.#unloading.delete(done);
      });
    this.#unloading.add(done);
  }

  #set(slot: VersionSlot, state: ModelState, reason: string | null): void {
    if (slot.state === state && slot.reason === reason && slot.announced) return;
    slot.announced = true;
    slot.state = state;
    slot.reason = reason;
    this.#listener(this.name, { version: slot.version, state, reason });
  }

  #whyNot(): string {
    if (this.#problem !== null) return this.#problem.message;
    const newest = [...this.#slots.values()].sort((a, b) => b.version - a.version)[0];
    return newest === undefined ? 'it is not loaded' : `version ${newest.version} is ${describe(newest)}`;
  }
}

/** Versions that the policy selects. */
function wantedVersions({ config, versions }: ModelContent): VersionFile[] {
  const available = versions.map((file) => file.version);
  const selected = selectVersions(config.version_policy, available);
  return versions.filter((file) => selected.includes(file.version));
}

/** Versions that the policy asks for by number and the disk does not have. */
function missingVersions({ config, versions }: ModelContent): number[] {
  if (!('specific' in config.version_policy)) return [];
  return config.version_policy.specific.versions.filter(
    (version) => !versions.some((file) => file.version === version),
  );
}

function describe(slot: VersionSlot): string {
  return slot.reason === null ? slot.state : `${slot.state}: ${slot.reason}`;
}

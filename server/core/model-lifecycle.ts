import { ServingError } from './errors.js';
import type { Model } from './model.js';
import type { ModelContent, ModelSnapshot, VersionFile } from './repository-scan.js';
import { selectVersions } from './version-policy.js';

/** LOADING -> READY | UNAVAILABLE(reason); READY -> UNLOADING -> gone. A READY version stays so while it is reloaded. */
export type ModelState = 'LOADING' | 'READY' | 'UNLOADING' | 'UNAVAILABLE';

export interface VersionStatus {
  readonly version: number;
  readonly state: ModelState;
  /** Why it is UNAVAILABLE, or why the last reload failed; else null. */
  readonly reason: string | null;
}

/** Loads one version until it is warm. Throws a ServingError. */
export type ModelLoader = (name: string, content: ModelContent, version: VersionFile) => Promise<Model>;

/** Told of everything that happens to a version; null: one that was unloaded is gone. */
export type LifecycleListener = (name: string, status: VersionStatus | null) => void;

interface VersionSlot {
  readonly version: number;
  state: ModelState;
  reason: string | null;
  /** What was last tried to load. */
  fingerprint: string;
  /** The model that serves, set while READY. */
  model: Model | null;
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
  readonly #unloading = new Set<Promise<void>>();

  constructor(name: string, load: ModelLoader, listener: LifecycleListener) {
    this.name = name;
    this.#load = load;
    this.#listener = listener;
  }

  /** Brings the loaded versions in line with `snapshot`; null unloads all. Resolves when done, whatever the outcome. */
  reconcile(snapshot: ModelSnapshot | null): Promise<void> {
    this.#work = this.#work.then(() => this.#reconcile(snapshot));
    return this.#work;
  }

  /** Unloads everything and waits for it. */
  async close(): Promise<void> {
    await this.reconcile(null);
    await Promise.all(this.#unloading);
  }

  /** The states of all versions, ascending; a directory that cannot be used counts as version 0. */
  status(): VersionStatus[] {
    const versions = [...this.#slots.values()]
      .sort((a, b) => a.version - b.version)
      .map(({ version, state, reason }) => ({ version, state, reason }));
    if (versions.length > 0 || this.#problem === null) return versions;
    return [{ version: 0, state: 'UNAVAILABLE', reason: this.#problem.message }];
  }

  /** The models that serve now. */
  ready(): Model[] {
    return [...this.#slots.values()].flatMap((slot) => (slot.model === null ? [] : [slot.model]));
  }

  /** The ready model of `version`, or the newest. Throws VERSION_NOT_FOUND or MODEL_NOT_READY. */
  model(version: number | null): Model {
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

  async #reconcile(snapshot: ModelSnapshot | null): Promise<void> {
    const content = snapshot?.content ?? null;
    if (content instanceof ServingError) {
      this.#reportProblem(content);
      return;
    }
    this.#problem = null;
    const wanted = content === null ? [] : this.#wanted(content);
    const loaded = content === null ? [] : await Promise.all(wanted.map((file) => this.#loadVersion(content, file)));
    const keep = new Set(wanted.map((file) => file.version));
    const onDisk = new Set(content?.versions.map((file) => file.version));
    const allLoaded = loaded.every((success) => success);
    for (const slot of this.#slots.values()) {
      if (keep.has(slot.version)) continue;
      // A version that the policy has left behind goes only when its successors serve.
      if (!allLoaded && onDisk.has(slot.version) && slot.model !== null) continue;
      this.#unload(slot);
    }
  }

  #wanted(content: ModelContent): VersionFile[] {
    const selected = selectVersions(
      content.config.version_policy,
      content.versions.map((file) => file.version),
    );
    if (selected.length === 0) {
      const available = content.versions.map((file) => file.version).join(', ');
      this.#reportProblem(
        new ServingError('CONFIG_INVALID', `version_policy selects none of the versions on disk (${available})`),
      );
    }
    return content.versions.filter((file) => selected.includes(file.version));
  }

  #reportProblem(problem: ServingError): void {
    this.#problem = problem;
    if (this.#slots.size === 0)
      this.#listener(this.name, { version: 0, state: 'UNAVAILABLE', reason: problem.message });
    for (const slot of this.#slots.values()) this.#set(slot, slot.state, problem.message);
  }

  /** True when the version serves what is on disk. */
  async #loadVersion(content: ModelContent, file: VersionFile): Promise<boolean> {
    const existing = this.#slots.get(file.version);
    if (existing?.fingerprint === file.fingerprint) {
      // A file that failed once is not tried again before it changes.
      return existing.model !== null;
    }
    const slot: VersionSlot = existing ?? {
      version: file.version,
      state: 'LOADING',
      reason: null,
      fingerprint: '',
      model: null,
    };
    slot.fingerprint = file.fingerprint;
    this.#slots.set(file.version, slot);
    this.#set(slot, slot.model === null ? 'LOADING' : 'READY', null);
    try {
      const model = await this.#load(this.name, content, file);
      const old = slot.model;
      slot.model = model;
      this.#set(slot, 'READY', null);
      if (old !== null) this.#dispose(old, () => {});
      return true;
    } catch (cause) {
      const reason = ServingError.from(cause).message;
      this.#set(slot, slot.model === null ? 'UNAVAILABLE' : 'READY', reason);
      return false;
    }
  }

  /** The slot stays, UNLOADING, until the last request has been answered and the memory is free. */
  #unload(slot: VersionSlot): void {
    if (slot.state === 'UNLOADING') return;
    const { model } = slot;
    slot.model = null;
    // Whoever wants the version again meanwhile loads it anew.
    slot.fingerprint = '';
    this.#set(slot, 'UNLOADING', null);
    const forget = (): void => {
      if (slot.state !== 'UNLOADING') return;
      this.#slots.delete(slot.version);
      this.#listener(this.name, null);
    };
    if (model === null) forget();
    else this.#dispose(model, forget);
  }

  /** Ends a model in the background: its leases may be held for as long as a batch takes. */
  #dispose(model: Model, then: () => void): void {
    const done = model[Symbol.asyncDispose]()
      .then(then)
      .finally(() => this.#unloading.delete(done));
    this.#unloading.add(done);
  }

  #set(slot: VersionSlot, state: ModelState, reason: string | null): void {
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

function describe(slot: VersionSlot): string {
  return slot.reason === null ? slot.state : `${slot.state}: ${slot.reason}`;
}

import { randomUUID } from 'node:crypto';
import { access, mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage, ServingError } from '../core/errors.js';
import { CacheFiles } from './cache-files.js';
import { engineKey, majorVersion, type EngineFacts } from './engine-key.js';
import { sidecarSchema, type EngineSidecar } from './engine-sidecar.js';
import { acquireLock } from './file-lock.js';
import { OwnerFile } from './owner-file.js';
import { fileSha256 } from './sha256.js';
import { WorkDirectory } from './work-directory.js';

export interface EngineCacheOptions {
  readonly directory: string;
  /** What plans may take together; those in use, and the one just written, stay in any case. */
  readonly maxBytes: number;
  readonly log: (level: 'info' | 'warn', message: string) => void;
}

/** A plan in the cache. It stays there until this is disposed. */
export interface CachedEngine extends AsyncDisposable {
  readonly key: string;
  readonly planFile: string;
  /** The ONNX file of a plan without weights, else null. */
  readonly weightsFile: string | null;
  readonly sidecar: EngineSidecar;
}

/** What a look into the cache has found; `stale`: a plan that is not to be loaded, and why. */
export type Lookup =
  | { readonly result: 'hit'; readonly engine: CachedEngine }
  | { readonly result: 'miss' }
  | { readonly result: 'stale'; readonly reason: string };

/** What is added to the cache; both files lie in one of its work directories. */
export interface NewEngine {
  readonly facts: EngineFacts;
  readonly planFile: string;
  readonly weightsFile: string | null;
  readonly about: Omit<EngineSidecar, 'facts' | 'plan' | 'weights'>;
}

/**
 * Plans in a directory, that several processes may share: KEY.plan, KEY.onnx for a plan without weights, and KEY.json,
 * written last. A plan is only ever given out when it is byte for byte the one that was written for these facts.
 */
export class EngineCache {
  readonly directory: string;
  readonly #options: EngineCacheOptions;
  readonly #files: CacheFiles;

  private constructor(options: EngineCacheOptions) {
    this.directory = options.directory;
    this.#options = options;
    this.#files = new CacheFiles(options.directory);
  }

  /** Makes the directory where it is missing. Throws INTERNAL where that cannot be. */
  static async create(options: EngineCacheOptions): Promise<EngineCache> {
    try {
      await mkdir(options.directory, { recursive: true });
      const cache = new EngineCache(options);
      await cache.#files.removeLeftovers();
      return cache;
    } catch (cause) {
      throw unusable(options.directory, cause);
    }
  }

  /** Whether a plan of that name is there, sound or not. */
  async has(key: string): Promise<boolean> {
    return access(this.#path(key, 'json')).then(
      () => true,
      () => false,
    );
  }

  /** The plan for `facts`, to be run by `tensorrt`, held until it is disposed. What is not sound is removed. */
  async lookup(facts: EngineFacts, tensorrt: string): Promise<Lookup> {
    const key = engineKey(facts);
    if (!(await this.has(key))) return { result: 'miss' };
    // Held before it is checked: afterwards nobody may take it away.
    const hold = await this.#hold(key);
    try {
      const sidecar = await this.#verify(key, tensorrt);
      const now = new Date();
      // A cache that cannot be written serves all the same: its plans came with the image.
      await utimes(this.#path(key, 'json'), now, now).catch(() => {});
      return { result: 'hit', engine: this.#engine(key, sidecar, hold) };
    } catch (cause) {
      await hold?.[Symbol.asyncDispose]();
      if (!(cause instanceof StaleEngine)) throw cause;
      await this.#files.remove(key).catch((failure: unknown) => {
        throw unusable(this.directory, failure);
      });
      return { result: 'stale', reason: cause.message };
    }
  }

  /** Moves a plan into the cache, in one step for whoever looks it up, and makes room for it. */
  async store({ facts, planFile, weightsFile, about }: NewEngine): Promise<CachedEngine> {
    const key = engineKey(facts);
    const sidecar: EngineSidecar = {
      facts,
      plan: await describe(planFile),
      weights: weightsFile === null ? null : await describe(weightsFile),
      ...about,
    };
    const hold = await this.#hold(key);
    // The old sidecar would be about another plan for a moment.
    await rm(this.#path(key, 'json'), { force: true });
    await rename(planFile, this.#path(key, 'plan'));
    if (weightsFile !== null) await rename(weightsFile, this.#path(key, 'onnx'));
    const part = this.#path(key, `${randomUUID()}.part`);
    await writeDurably(part, `${JSON.stringify(sidecar, null, 2)}\n`);
    await rename(part, this.#path(key, 'json'));
    for (const removed of await this.#files.shrink(this.#options.maxBytes, key)) {
      this.#options.log('info', `plan ${removed} is removed from ${this.directory} to make room`);
    }
    return this.#engine(key, sidecar, hold);
  }

  /** A directory for a build, on the same disk. */
  async workDirectory(): Promise<WorkDirectory> {
    try {
      return await WorkDirectory.create(this.directory);
    } catch (cause) {
      throw unusable(this.directory, cause);
    }
  }

  /** The right to build, one process at a time; null as soon as the plan `key` is there. */
  async lock(key: string | null, signal: AbortSignal): Promise<OwnerFile | null> {
    try {
      return await acquireLock(join(this.directory, 'build.lock'), signal, async () => key !== null && this.has(key));
    } catch (cause) {
      signal.throwIfAborted();
      throw unusable(this.directory, cause);
    }
  }

  #engine(key: string, sidecar: EngineSidecar, hold: OwnerFile | null): CachedEngine {
    return {
      key,
      planFile: this.#path(key, 'plan'),
      weightsFile: sidecar.weights === null ? null : this.#path(key, 'onnx'),
      sidecar,
      [Symbol.asyncDispose]: async () => {
        await hold?.[Symbol.asyncDispose]();
      },
    };
  }

  /** Null in a cache that cannot be written: nothing is removed from it either. */
  async #hold(key: string): Promise<OwnerFile | null> {
    try {
      return await OwnerFile.claim(this.#path(key, `${randomUUID()}.use`));
    } catch (cause) {
      if (['EACCES', 'EPERM', 'EROFS'].includes((cause as NodeJS.ErrnoException).code ?? '')) return null;
      throw cause;
    }
  }

  async #verify(key: string, tensorrt: string): Promise<EngineSidecar> {
    const sidecar = await readSidecar(this.#path(key, 'json'));
    // The key is made of everything that a plan depends on: one that was copied or renamed does not fit its name.
    if (engineKey(sidecar.facts) !== key) throw new StaleEngine('it was built for something else');
    if (!runsUnder(sidecar, tensorrt)) {
      throw new StaleEngine(`it was built by TensorRT ${sidecar.built.tensorrt}, and this is ${tensorrt}`);
    }
    await verifyFile(this.#path(key, 'plan'), sidecar.plan);
    if (sidecar.weights !== null) await verifyFile(this.#path(key, 'onnx'), sidecar.weights);
    return sidecar;
  }

  #path(key: string, ending: string): string {
    return join(this.directory, `${key}.${ending}`);
  }
}

/** A plan that is there and not to be loaded. The message says why, as it continues "the plan in the cache is not used:". */
class StaleEngine extends Error {}

async function readSidecar(file: string): Promise<EngineSidecar> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new StaleEngine(`${file} cannot be read (${errorMessage(cause)})`, { cause });
  }
  const result = sidecarSchema.safeParse(json);
  if (result.success) return result.data;
  const where = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  throw new StaleEngine(`${file} is not what this version writes (${where})`);
}

/** A plan that was promised to be version compatible runs under later versions of the same major one. */
function runsUnder({ facts, built }: EngineSidecar, tensorrt: string): boolean {
  if (facts.tensorrt !== majorVersion(built.tensorrt)) return built.tensorrt === tensorrt;
  return majorVersion(tensorrt) === facts.tensorrt && compareVersions(built.tensorrt, tensorrt) <= 0;
}

function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

async function verifyFile(file: string, { bytes, sha256 }: { bytes: number; sha256: string }): Promise<void> {
  try {
    const { size } = await stat(file);
    if (size !== bytes) throw new StaleEngine(`${file} has ${size} bytes instead of ${bytes}`);
    if ((await fileSha256(file)) !== sha256) throw new StaleEngine(`${file} has changed since it was written`);
  } catch (cause) {
    if (cause instanceof StaleEngine) throw cause;
    throw new StaleEngine(`${file} cannot be read (${errorMessage(cause)})`, { cause });
  }
}

/** Also brings it to the disk, whatever wrote it. */
async function describe(file: string): Promise<{ bytes: number; sha256: string }> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
    const { size } = await handle.stat();
    return { bytes: size, sha256: await fileSha256(file) };
  } finally {
    await handle.close();
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unusable(directory: string, cause: unknown): ServingError {
  return new ServingError(
    'INTERNAL',
    `plans cannot be kept in ${directory} (${errorMessage(cause)}); set --engine-cache to a directory that can be written`,
    { cause },
  );
}

import { randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseOverride } from '../config/config-override.js';
import { errorMessage, quoted, ServingError } from '../core/errors.js';
import type { SentModel } from '../core/model-control.js';
import type { ModelOverride } from '../core/model-override.js';
import { CONFIG_FILES, isModelName } from '../core/repository-scan.js';

/**
 * The model directories that clients have sent. They lie in a temporary directory that only the user of the server can
 * read, and go when no process needs them any more. Several processes share one.
 */
export class SentModels implements AsyncDisposable {
  /** Made when it is first needed: where nobody sends models nothing has to be writable. */
  readonly root: string;
  /** What models are loaded from that were sent. */
  readonly #directories = new Map<string, string>();

  /** A name that cannot be guessed: nobody is there before. */
  constructor(root: string = join(tmpdir(), `sluice-models-${randomUUID()}`)) {
    this.root = root;
  }

  /** Writes down what was sent, and says how it is loaded. Throws INVALID_REQUEST, CONFIG_INVALID or MODEL_NOT_FOUND. */
  async write(name: string, { config, files }: SentModel): Promise<ModelOverride> {
    if (files.size === 0) return { config, directory: null };
    if (!isModelName(name)) throw new ServingError('MODEL_NOT_FOUND', `${quoted(name)} is no name for a model`);
    requirePaths([...files.keys()]);
    const all = new Map([...files, configFileOf(config)]);
    // Called like the model, as its directory in the repository would be.
    const directory = join(this.root, randomUUID(), name);
    try {
      await mkdir(this.root, { recursive: true, mode: 0o700 });
      for (const [path, content] of all) {
        await mkdir(dirname(join(directory, path)), { recursive: true });
        await writeFile(join(directory, path), content);
      }
    } catch (cause) {
      await remove(directory);
      throw new ServingError('MODEL_INVALID', `the files of ${name} cannot be kept: ${errorMessage(cause)}`, { cause });
    }
    return { config, directory };
  }

  /**
   * Makes a change after which a model is loaded from `directory`, null: from none of these. What it was loaded from before
   * goes when `released` resolves; the new directory goes at once where the change fails.
   */
  async replace(
    name: string,
    directory: string | null,
    change: () => Promise<void>,
    released: () => Promise<unknown>,
  ): Promise<void> {
    const before = this.#directories.get(name);
    try {
      await change();
    } catch (cause) {
      if (directory !== null) await remove(directory);
      throw cause;
    }
    if (directory !== null) this.#directories.set(name, directory);
    else if (this.#directories.get(name) === before) this.#directories.delete(name);
    if (before === undefined) return;
    // What cannot be removed now goes with the others at the end.
    const gone = released().then(() => remove(before));
    gone.catch(() => {});
  }

  /** Removes all of them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}

/** Of the path of a file, what stands between slashes. */
const PART = /^(?!\.{1,2}$)[^/\\\0]{1,255}$/;

function requirePaths(paths: readonly string[]): void {
  for (const path of paths) {
    if (!path.split('/').every((part) => PART.test(part))) {
      throw badFile(path, 'must be a path within the directory of the model, such as 1/model.onnx');
    }
    if (CONFIG_FILES.includes(path)) throw badFile(path, 'cannot be sent as a file: say it in config');
    const inside = paths.find((other) => other.startsWith(`${path}/`));
    if (inside !== undefined) throw badFile(path, `is a file, and ${quoted(inside)} lies in it`);
  }
}

function badFile(path: string, what: string): ServingError {
  return new ServingError('INVALID_REQUEST', `file:${quoted(path)} ${what}`);
}

/** A configuration without any key: all of them come as the override. With a task they are ours, without one Triton's. */
function configFileOf(config: string | null): [string, Uint8Array] {
  if (config === null) {
    throw new ServingError(
      'INVALID_REQUEST',
      'files need a config beside them: they are sent in place of all that the directory of the model has',
    );
  }
  const keys = parseOverride(config);
  if (keys instanceof Error) throw new ServingError('CONFIG_INVALID', keys.message, { cause: keys });
  return 'task' in keys ? ['config.yaml', Buffer.from('{}')] : ['config.pbtxt', new Uint8Array(0)];
}

/** With the directory around it, which is its alone. */
async function remove(directory: string): Promise<void> {
  await rm(dirname(directory), { recursive: true, force: true });
}

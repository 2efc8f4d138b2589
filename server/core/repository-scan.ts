import type { Stats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ServingError } from './errors.js';
import { TASK_INPUTS, type ModelConfig } from './model-config.js';

/**
 * Turns the text of a config.yaml into a configuration; throws CONFIG_INVALID with all problems. `override`: keys that
 * stand in place of the file's, as JSON; null: there are none.
 */
export type ConfigParser = (text: string, file: string, override: string | null) => ModelConfig;

/** Overrides by the names of models. */
export type ConfigOverrides = ReadonlyMap<string, string>;

/** One version directory with its model file. */
export interface VersionFile {
  readonly version: number;
  readonly path: string;
  /** Changes whenever the version has to be loaded anew: file, configuration, labels or vocabulary. */
  readonly fingerprint: string;
}

/** A model directory as it is on disk now. */
export interface ModelSnapshot {
  readonly name: string;
  /** The configuration, labels and version files, or what is wrong with them. */
  readonly content: ModelContent | ServingError;
}

export interface ModelContent {
  readonly config: ModelConfig;
  readonly labels: readonly string[];
  /** Ascending by version. */
  readonly versions: readonly VersionFile[];
}

/** Names of models: they appear in metrics, logs and paths. */
const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** As Triton: a version directory is a positive number without leading zeros; other names are ignored. */
const VERSION_NAME = /^[1-9][0-9]{0,8}$/;

/** Reads every model directory below `repository`. Throws when that itself cannot be read. */
export async function scanRepository(
  repository: string,
  parseConfig: ConfigParser,
  overrides: ConfigOverrides = new Map(),
): Promise<ModelSnapshot[]> {
  const entries = await readdir(repository, { withFileTypes: true });
  const names = entries
    .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && MODEL_NAME.test(entry.name))
    .map((entry) => entry.name)
    .sort();
  const snapshots = await Promise.all(names.map((name) => scanModel(repository, name, parseConfig, overrides)));
  return snapshots.filter((snapshot) => snapshot !== null);
}

/** Reads one model directory; null when there is none of that name. */
export async function scanModel(
  repository: string,
  name: string,
  parseConfig: ConfigParser,
  overrides: ConfigOverrides = new Map(),
): Promise<ModelSnapshot | null> {
  if (!MODEL_NAME.test(name)) return null;
  const directory = join(repository, name);
  try {
    if (!(await isDirectory(directory))) return null;
    return { name, content: await readContent(directory, parseConfig, overrides.get(name) ?? null) };
  } catch (cause) {
    return { name, content: cause instanceof ServingError ? cause : unreadable(directory, cause) };
  }
}

async function readContent(
  directory: string,
  parseConfig: ConfigParser,
  override: string | null,
): Promise<ModelContent> {
  const configFile = join(directory, 'config.yaml');
  const configText = await readConfig(directory, configFile);
  const config = parseConfig(configText, configFile, override);
  const labelsText =
    config.labels === undefined ? '' : await readText(join(directory, config.labels), 'or remove the key `labels`');
  const labels = labelsText === '' ? [] : labelsText.replace(/\r?\n$/, '').split(/\r?\n/);

  const vocabulary = await vocabularyMark(directory, config);
  // A pipeline has no file of its own, and so no versions but one.
  if (config.task === 'pipeline') {
    return {
      config,
      labels,
      versions: [{ version: 1, path: configFile, fingerprint: JSON.stringify([configText, override]) }],
    };
  }
  const versions: VersionFile[] = [];
  for (const name of await readdir(directory)) {
    if (!VERSION_NAME.test(name) || !(await isDirectory(join(directory, name)))) continue;
    const path = join(directory, name, config.default_model_filename);
    const file = await stat(path).catch(() => null);
    const fingerprint = JSON.stringify([...markOf(file), configText, override, labelsText, ...vocabulary]);
    versions.push({ version: Number(name), path, fingerprint });
  }
  if (versions.length === 0) {
    throw new ServingError(
      'MODEL_INVALID',
      `${directory} has no version directory; put the model file at ${join(directory, '1', config.default_model_filename)}`,
    );
  }
  return { config, labels, versions: versions.sort((a, b) => a.version - b.version) };
}

/** The text of the configuration. A directory that has none and a model file is served as tensors. */
async function readConfig(directory: string, file: string): Promise<string> {
  if (!(await exists(file))) {
    const versions = (await readdir(directory)).filter((name) => VERSION_NAME.test(name));
    const found = await Promise.all(versions.map((version) => exists(join(directory, version, 'model.onnx'))));
    if (found.includes(true)) return '{"task": "tensors"}';
  }
  return await readText(file, 'write one: model-repo/CONFIG.md describes every key');
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}

/** What changes with a file; nothing says more of one that is not there. */
function markOf(file: Stats | null): (number | null)[] {
  return file === null ? [null] : [file.mtimeMs, file.size, file.ino];
}

/** Of the vocabulary, where the model reads texts: it may be large, so that only its worker reads it. */
async function vocabularyMark(directory: string, { task, tokenizer }: ModelConfig): Promise<(number | null)[]> {
  if (TASK_INPUTS[task] !== 'text') return [];
  const path = join(directory, tokenizer.vocab);
  const file = await stat(path).catch(() => null);
  if (file?.isFile() === true) return markOf(file);
  throw new ServingError(
    'CONFIG_INVALID',
    `${path} does not exist; put the vocabulary that the model was trained with there, or name it under tokenizer.vocab`,
  );
}

async function readText(file: string, hint: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new ServingError('CONFIG_INVALID', `${file} does not exist; ${hint}`, { cause });
    }
    throw cause;
  }
}

/** Throws when that cannot be told, so that a disk that fails for a moment does not unload what serves. */
async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) return false;
    throw cause;
  }
}

function unreadable(directory: string, cause: unknown): ServingError {
  return new ServingError('MODEL_INVALID', `${directory} cannot be read: ${ServingError.from(cause).message}`, {
    cause,
  });
}

import type { Stats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ServingError } from './errors.js';
import { TASK_INPUTS, type ModelConfig } from './model-config.js';
import type { ModelOverride, ModelOverrides } from './model-override.js';
import { stateFilePaths } from './sequences/state-files.js';

/** A configuration, and what of its file is not done as it says. */
export interface ParsedConfig {
  readonly config: ModelConfig;
  readonly warnings: readonly ConfigWarning[];
}

export interface ConfigWarning {
  /** File, line and column. */
  readonly place: string;
  /** Such as `input[0].format`; empty: the file as a whole. */
  readonly path: string;
  /** What happens instead. */
  readonly instead: string;
}

/**
 * Turns the text of a config.yaml, or of Triton's config.pbtxt, into a configuration. Throws CONFIG_INVALID with all
 * problems, MODEL_INVALID for a model that is not served whatever its configuration. `override`: keys that stand in place
 * of the file's, as JSON; null: there are none.
 */
export type ConfigParser = (text: string, file: string, override: string | null) => ParsedConfig;

/** One version directory with its model file. */
export interface VersionFile {
  readonly version: number;
  readonly path: string;
  /** Changes whenever the version has to be loaded anew: file, configuration, labels, vocabulary or initial states. */
  readonly fingerprint: string;
  /** Why it cannot be loaded, where the directory tells. */
  readonly problem?: ServingError;
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
  /** Of outputs that have a labels file of their own. */
  readonly outputLabels: ReadonlyMap<string, readonly string[]>;
  /** Ascending by version. */
  readonly versions: readonly VersionFile[];
  readonly warnings: readonly ConfigWarning[];
}

/** Names of models: they appear in metrics, logs and paths. */
const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** As Triton: a version directory is a positive number without leading zeros; other names are ignored. */
const VERSION_NAME = /^[1-9][0-9]{0,8}$/;

export function isModelName(name: string): boolean {
  return MODEL_NAME.test(name);
}

/** Reads every model directory below `repository`, and those elsewhere. Throws when `repository` itself cannot be read. */
export async function scanRepository(
  repository: string,
  parseConfig: ConfigParser,
  overrides: ModelOverrides = new Map(),
): Promise<ModelSnapshot[]> {
  const entries = await readdir(repository, { withFileTypes: true });
  const own = entries
    .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && isModelName(entry.name))
    .map((entry) => entry.name);
  const elsewhere = [...overrides].filter(([, { directory }]) => directory !== null).map(([name]) => name);
  const names = [...new Set([...own, ...elsewhere])].sort();
  const snapshots = await Promise.all(names.map((name) => scanModel(repository, name, parseConfig, overrides)));
  return snapshots.filter((snapshot) => snapshot !== null);
}

/** Reads one model directory; null when there is none of that name. */
export async function scanModel(
  repository: string,
  name: string,
  parseConfig: ConfigParser,
  overrides: ModelOverrides = new Map(),
): Promise<ModelSnapshot | null> {
  if (!isModelName(name)) return null;
  const override = overrides.get(name) ?? null;
  const directory = override?.directory ?? join(repository, name);
  try {
    if (!(await isDirectory(directory))) return null;
    return { name, content: await readContent(directory, parseConfig, override) };
  } catch (cause) {
    return { name, content: cause instanceof ServingError ? cause : unreadable(directory, cause) };
  }
}

async function readContent(
  directory: string,
  parseConfig: ConfigParser,
  override: ModelOverride | null,
): Promise<ModelContent> {
  const { text: configText, file: configFile, beside } = await readConfig(directory);
  const { config, warnings: read } = parseConfig(configText, configFile, override?.config ?? null);
  if (override !== null && config.tensorrt.plugins.length > 0) {
    const known = override.directory === null ? parseConfig(configText, configFile, null).config.tensorrt.plugins : [];
    requirePlugins(config.tensorrt.plugins, known);
  }
  const warnings = beside === null ? read : [{ place: beside, path: '', instead: `${CONFIG_FILE} counts.` }, ...read];
  const { labels, outputLabels, marks } = await readLabels(directory, config);
  const about = { config, labels, outputLabels, warnings };

  const names = (await readdir(directory)).filter((name) => VERSION_NAME.test(name));
  // What has no file of its own has no versions but one, unless an ensemble of Triton names some.
  if (config.task === 'pipeline') names.splice(0, Infinity, '1');
  if (config.task === 'ensemble' && names.length === 0) names.push('1');
  if (config.task === 'pipeline' || config.task === 'ensemble') {
    const fingerprint = JSON.stringify([configText, override, ...marks]);
    const versions = names.map((name) => ({ version: Number(name), path: configFile, fingerprint }));
    return { ...about, versions: versions.sort((a, b) => a.version - b.version) };
  }
  const files = [...(await vocabularyMark(directory, config)), ...(await stateMarks(directory, config))];
  const versions: VersionFile[] = [];
  for (const name of names) {
    if (!(await isDirectory(join(directory, name)))) continue;
    const { path, mark, problem } = await findModelFile(join(directory, name), config.default_model_filename);
    const fingerprint = JSON.stringify([...mark, configText, override, ...marks, ...files]);
    versions.push({ version: Number(name), path, fingerprint, ...(problem === null ? {} : { problem }) });
  }
  if (versions.length === 0) {
    throw new ServingError(
      'MODEL_INVALID',
      `${directory} has no version directory; put the model file at ${join(directory, '1', config.default_model_filename)}`,
    );
  }
  return { ...about, versions: versions.sort((a, b) => a.version - b.version) };
}

const CONFIG_FILE = 'config.yaml';

/** What Triton reads. */
const TRITON_FILE = 'config.pbtxt';

/** Files of a model directory that may hold its configuration; the first counts where there are several. */
export const CONFIG_FILES: readonly string[] = [CONFIG_FILE, TRITON_FILE];

/** The text of the configuration. A directory that has none and a model file is served as tensors. */
async function readConfig(directory: string): Promise<{ text: string; file: string; beside: string | null }> {
  const file = join(directory, CONFIG_FILE);
  const triton = join(directory, TRITON_FILE);
  const [isThere, isTritons] = await Promise.all([exists(file), exists(triton)]);
  if (!isThere && isTritons) return { text: await readText(triton, ''), file: triton, beside: null };
  if (!isThere) {
    const versions = (await readdir(directory)).filter((name) => VERSION_NAME.test(name));
    const found = await Promise.all(versions.map((version) => exists(join(directory, version, 'model.onnx'))));
    if (found.includes(true)) return { text: '{"task": "tensors"}', file, beside: null };
  }
  const text = await readText(file, 'write one: model-repo/CONFIG.md describes every key');
  return { text, file, beside: isTritons ? triton : null };
}

/** Plugins are code that runs in the server: who loads models by call may send models, and no code. */
function requirePlugins(plugins: readonly string[], known: readonly string[]): void {
  const other = plugins.find((plugin) => !known.includes(plugin));
  if (other === undefined) return;
  throw new ServingError(
    'CONFIG_INVALID',
    `tensorrt.plugins: ${other} is none of the plugins that the configuration in the repository names, and a call cannot add one`,
  );
}

/** The classes that the model tells, and those of outputs with files of their own; marks: what changes with them. */
async function readLabels(directory: string, { labels, tensors }: ModelConfig) {
  const read = async (name: string, key: string) => {
    const text = await readText(join(directory, name), `or remove the key \`${key}\``);
    return { text, lines: text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/) };
  };
  const own = labels === undefined ? null : await read(labels, 'labels');
  const named = (tensors?.output ?? []).flatMap(({ name, label_filename: file }) =>
    file === undefined ? [] : [[name, file] as const],
  );
  const files = await Promise.all(
    named.map(async ([name, file]) => [name, await read(file, 'label_filename')] as const),
  );
  return {
    labels: own?.lines ?? [],
    outputLabels: new Map(files.map(([name, { lines }]) => [name, lines])),
    marks: [own?.text ?? '', ...files.flatMap(([name, { text }]) => [name, text])],
  };
}

/** The model file of a version. Triton also takes a directory of its name, where large models have several files. */
async function findModelFile(
  version: string,
  name: string,
): Promise<{ path: string; mark: (number | null)[]; problem: ServingError | null }> {
  const path = join(version, name);
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory() === true) {
    const inside = join(path, 'model.onnx');
    return { path: inside, mark: markOf(await stat(inside).catch(() => null)), problem: null };
  }
  const plan = join(version, name.replace(/\.onnx$/, '.plan'));
  const isPlan = found === null && (await exists(plan));
  const problem = isPlan ? new ServingError('MODEL_INVALID', planNeedsOnnx(plan, path)) : null;
  return { path, mark: markOf(found), problem };
}

function planNeedsOnnx(plan: string, onnx: string): string {
  return `${plan} is a plan, which only loads where it was built; put the ONNX file that it was built from at ${onnx}, and one is built here`;
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

/** Of what sequences begin with: read when the version is loaded. */
async function stateMarks(
  directory: string,
  { sequence_batching: sequences }: ModelConfig,
): Promise<(number | null)[]> {
  const marks = [...stateFilePaths(directory, sequences).values()].map(async (path) => {
    const file = await stat(path).catch(() => null);
    if (file?.isFile() === true) return markOf(file);
    throw new ServingError('CONFIG_INVALID', `${path} does not exist; put the state there, or write zero_data: true`);
  });
  return (await Promise.all(marks)).flat();
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

import { basename, dirname } from 'node:path';
import { ServingError } from '../../core/errors.js';
import { modelConfigSchema, type ModelConfig } from '../../core/model-config.js';
import type { ConfigWarning, ParsedConfig } from '../../core/repository-scan.js';
import { parseOverride } from '../config-override.js';
import { configError, formatPath, type ConfigProblem } from '../config-report.js';
import { deepFreeze } from '../deep-freeze.js';
import { schemaProblems } from '../schema-problems.js';
import { convertConfig, type Platform } from './convert-config.js';
import { fieldsOfJson } from './json-fields.js';
import { readMessage } from './message-reader.js';
import { MODEL_CONFIG } from './model-fields.js';
import { Reservations, type TritonConfig } from './reservations.js';
import { parseTextFormat, type TextField } from './text-format.js';
import { TextFormatError } from './text-tokens.js';

/** Characters: far more than any configuration has. */
const MOST_CHARACTERS = 1_048_576;

type Path = readonly PropertyKey[];

/**
 * Reads the text of a config.pbtxt, Triton's configuration. Answers what a config.yaml that says the same would, and a
 * warning for all that is not done as it says. Throws CONFIG_INVALID with every problem of the text, each with `file`,
 * line and column, and MODEL_INVALID where the model is of a kind that is not served. `override`: fields that stand in
 * place of the text's, as protobuf's JSON; null: there are none.
 */
export function parseConfigPbtxt(text: string, file: string, override: string | null = null): ParsedConfig {
  const position = (offset: number) => positionIn(text, offset);
  const fail = (problems: readonly ConfigProblem[]) => configError(file, problems, position);
  const read = readFields(text, fail);
  const fields = override === null ? read : overridden(read, override, fail);
  const { value, problems, unread, places } = readMessage(MODEL_CONFIG, fields);
  if (problems.length > 0) throw fail(problems);

  const place = (path: Path): number => nearestPlace(places, path);
  const at = (path: Path): string => {
    const { line, col } = position(place(path));
    return `${file}:${line}:${col}`;
  };
  const notes = new Reservations();
  const directory = basename(dirname(file));
  if (value.name !== undefined && value.name !== '' && value.name !== directory) {
    notes.add(['name'], `The model is called ${directory}, as its directory is.`);
  }
  const platform = platformOf(value, (path, message) => {
    return new ServingError('MODEL_INVALID', `${at(path)}: ${formatPath(path)}: ${message}`);
  });
  const written = withoutUndefined(convertConfig(value, platform, notes));
  const result = modelConfigSchema.safeParse(written);
  if (!result.success) {
    const nearest = (path: Path): number => place(theirPath(path));
    throw fail(schemaProblems(result.error.issues, { value: written, nearest, key: () => undefined, said: theirPath }));
  }
  const warnings = [...unread, ...notes.list].map(({ path, instead }): ConfigWarning => {
    return { place: at(path), path: formatPath(path), instead };
  });
  return { config: deepFreeze<ModelConfig>(result.data), warnings };
}

function readFields(text: string, fail: (problems: readonly ConfigProblem[]) => ServingError): readonly TextField[] {
  const broken = (offset: number, message: string) => fail([{ offset, path: '', message, hint: null }]);
  if (text.length > MOST_CHARACTERS) {
    throw broken(0, `expected at most ${MOST_CHARACTERS} characters, found ${text.length}`);
  }
  try {
    return parseTextFormat(text);
  } catch (cause) {
    if (cause instanceof TextFormatError) throw broken(cause.offset, cause.message);
    throw cause;
  }
}

function overridden(
  read: readonly TextField[],
  override: string,
  fail: (problems: readonly ConfigProblem[]) => ServingError,
): readonly TextField[] {
  const keys = parseOverride(override);
  if (keys instanceof Error) throw fail([{ offset: 0, path: '', message: keys.message, hint: null }]);
  const given = fieldsOfJson(MODEL_CONFIG, keys);
  return [...read.filter(({ name }) => !given.some((field) => field.name === name)), ...given];
}

const PLATFORMS: Readonly<Record<string, Platform>> = {
  onnxruntime_onnx: 'onnx',
  tensorrt_plan: 'plan',
  ensemble: 'ensemble',
};

const BACKENDS: Readonly<Record<string, Platform>> = { onnxruntime: 'onnx', tensorrt: 'plan' };

/** What is to run the model; where nothing is said, what its schedule and its file name tell, as Triton has it. */
function platformOf(config: TritonConfig, refuse: (path: Path, message: string) => ServingError): Platform {
  const { platform = '', backend = '', default_model_filename: file = '' } = config;
  for (const [field, name, known] of [
    ['platform', platform, PLATFORMS],
    ['backend', backend, BACKENDS],
  ] as const) {
    if (name === '') continue;
    const found = Object.hasOwn(known, name) ? known[name] : undefined;
    if (found !== undefined) return found;
    throw refuse([field], `${name} is not served here; what is: ${Object.keys(known).join(', ')}`);
  }
  if (config.ensemble_scheduling !== undefined) return 'ensemble';
  if (file === '' || file.endsWith('.onnx')) return 'onnx';
  if (file.endsWith('.plan')) return 'plan';
  throw refuse(['default_model_filename'], `${file} is not served here; what is: files of ONNX (.onnx)`);
}

/** Where the file has what stands at `path` of a config.yaml; the two have most names in common. */
function theirPath(path: Path): Path {
  const [first, ...rest] = path;
  if (first === 'tensors') return rest;
  if (first === 'instance_group') return ['instance_group', 0, ...rest];
  if (first === 'tensorrt') return ['optimization'];
  return path;
}

/** The place of a path, or of what it is in. */
function nearestPlace(places: ReadonlyMap<string, number>, path: Path): number {
  for (let length = path.length; length > 0; length -= 1) {
    const place = places.get(formatPath(path.slice(0, length)));
    if (place !== undefined) return place;
  }
  return 0;
}

function withoutUndefined(value: object): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}

function positionIn(text: string, offset: number): { line: number; col: number } {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, col: offset - before.lastIndexOf('\n') };
}

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errorMessage, ServingError } from '../core/errors.js';
import type { ModelConfig } from '../core/model-config.js';
import { rewriteForBuilding } from '../onnx/for-building.js';

/** Everything on disk that an engine is built from, and the hashes of it. */
export interface EngineInputs {
  readonly config: ModelConfig;
  /** As it is in the repository. */
  readonly modelFile: string;
  /** The ONNX file that is built. */
  readonly onnx: Uint8Array;
  readonly onnxSha256: string;
  /** Name of the model's one input. */
  readonly inputName: string;
  readonly plugins: readonly { readonly file: string; readonly sha256: string }[];
  /** The pictures of INT8; null where none are needed. */
  readonly calibration: { readonly directory: string; readonly sha256: string } | null;
}

/**
 * Reads what the plan of a version is built from. Throws MODEL_INVALID where the model file does not do, CONFIG_INVALID
 * where the configuration names what is not there.
 */
export async function readEngineInputs(modelFile: string, config: ModelConfig): Promise<EngineInputs> {
  const { profiles = [] } = config.tensorrt;
  const open = {
    height: profiles.some(({ height }) => height !== undefined),
    width: profiles.some(({ width }) => width !== undefined),
  };
  const { bytes: onnx, input, quantized } = await rewrite(modelFile, config, open);
  const files = pluginFiles(modelFile, config);
  const [onnxSha256, calibration, ...plugins] = await Promise.all([
    sha256(onnx),
    readCalibration(modelFile, config, quantized),
    ...files.map(async (file) => ({ file, sha256: await namedFile(file, 'tensorrt.plugins') })),
  ]);
  return { config, modelFile, onnx, onnxSha256, inputName: input, plugins, calibration };
}

/** The plugin libraries of a model, as paths that hold anywhere. */
export function pluginFiles(modelFile: string, { tensorrt }: ModelConfig): string[] {
  return tensorrt.plugins.map((file) => resolve(modelDirectory(modelFile), file));
}

/** The model file lies in a version directory of the model directory. */
function modelDirectory(modelFile: string): string {
  return dirname(dirname(modelFile));
}

async function rewrite(file: string, { input }: ModelConfig, open: { height: boolean; width: boolean }) {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new ServingError('MODEL_INVALID', `${file} cannot be read: ${errorMessage(cause)}`, { cause });
  }
  try {
    return rewriteForBuilding(bytes, input, open);
  } catch (cause) {
    const { code, message } = ServingError.from(cause);
    throw new ServingError(code, `${file}: ${message}`, { cause });
  }
}

async function readCalibration(
  modelFile: string,
  { tensorrt, input, preprocess }: ModelConfig,
  quantized: boolean,
): Promise<EngineInputs['calibration']> {
  const { precision, calibration } = tensorrt;
  if (precision !== 'int8' || quantized) return null;
  if (calibration === undefined) {
    throw new ServingError(
      'CONFIG_INVALID',
      'tensorrt.precision is int8, and the model file has no Q/DQ nodes: set tensorrt.calibration.directory to pictures ' +
        'such as the model will meet',
    );
  }
  const directory = resolve(modelDirectory(modelFile), calibration.directory);
  const pictures = await hashOfFiles(directory);
  const { accuracy_floor: _, directory: __, ...how } = calibration;
  const bytes = Buffer.from(JSON.stringify({ pictures, how, input, preprocess }));
  return { directory, sha256: await sha256(bytes) };
}

/** Of every file below `directory`, by name. */
async function hashOfFiles(directory: string): Promise<[name: string, sha256: string][]> {
  let names: string[];
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    names = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch (cause) {
    throw new ServingError('CONFIG_INVALID', `tensorrt.calibration.directory: ${errorMessage(cause)}`, { cause });
  }
  if (names.length === 0) {
    throw new ServingError('CONFIG_INVALID', `tensorrt.calibration.directory: ${directory} has no files`);
  }
  const hashes: [string, string][] = [];
  for (const name of names.sort()) {
    hashes.push([name.slice(directory.length), await namedFile(name, 'tensorrt.calibration.directory')]);
  }
  return hashes;
}

async function namedFile(file: string, key: string): Promise<string> {
  try {
    return await fileSha256(file);
  } catch (cause) {
    throw new ServingError('CONFIG_INVALID', `${key}: ${file} cannot be read: ${errorMessage(cause)}`, { cause });
  }
}

/** Away from the thread that serves. */
async function sha256(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString('hex');
}

/** In pieces that let the thread serve in between: plans are large. */
export async function fileSha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(piece as Uint8Array);
  return hash.digest('hex');
}

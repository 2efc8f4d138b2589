import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { errorMessage, ServingError } from '../core/errors.js';
import { TASK_INPUTS, type ModelConfig } from '../core/model-config.js';
import { networkInput } from '../core/network-input.js';
import { rewriteForBuilding, type BuildableModel } from '../onnx/for-building.js';
import { modelTensors } from '../onnx/model-tensors.js';
import { rewriteForTexts } from '../onnx/rewrite-texts.js';
import { pictureSetDigest } from './calibration/picture-files.js';
import { canonicalJson } from './canonical-json.js';
import { tensorBuild } from './engine-tensors.js';
import { modelDirectory, pluginFiles } from './model-directory.js';
import type { BuildProfile } from './native-gpu.js';
import { openRanges } from './open-ranges.js';
import { fileSha256, sha256 } from './sha256.js';
import { servedTexts } from './text/served-texts.js';

/** Everything on disk that an engine is built from, and the hashes of it. */
export interface EngineInputs {
  /** As completed from the model file: of tensors it tells whether there is a batch. */
  readonly config: ModelConfig;
  /** As it is in the repository. */
  readonly modelFile: string;
  /** The ONNX file that is built. */
  readonly onnx: Uint8Array;
  readonly onnxSha256: string;
  /** Name of the model's one input; the first of those that have several. */
  readonly inputName: string;
  readonly plugins: readonly { readonly file: string; readonly sha256: string }[];
  /** The pictures of INT8; null where none are needed. */
  readonly calibration: { readonly directory: string; readonly sha256: string } | null;
  /** Where the model file has a say in them, as with tensors; null: the configuration tells. */
  readonly profiles: readonly BuildProfile[] | null;
}

/** A model as it is built, and what the file says of the configuration. */
interface Buildable extends BuildableModel, Pick<EngineInputs, 'config' | 'profiles'> {}

/**
 * Reads what the plan of a version is built from. Throws MODEL_INVALID where the model file does not do, CONFIG_INVALID
 * where the configuration names what is not there, and the reason of the signal.
 */
export async function readEngineInputs(
  modelFile: string,
  given: ModelConfig,
  signal: AbortSignal,
): Promise<EngineInputs> {
  const { bytes: onnx, input, quantized, config, profiles } = await rewrite(modelFile, given);
  const files = pluginFiles(modelFile, config.tensorrt.plugins);
  const onnxSha256 = await sha256(onnx);
  const calibration = await readCalibration(modelFile, config, quantized, signal);
  const plugins = await Promise.all(files.map(async (file) => ({ file, sha256: await pluginSha256(file) })));
  return { config, modelFile, onnx, onnxSha256, inputName: input, plugins, calibration, profiles };
}

async function rewrite(file: string, config: ModelConfig): Promise<Buildable> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new ServingError('MODEL_INVALID', `${file} cannot be read: ${errorMessage(cause)}`, { cause });
  }
  try {
    if (config.task === 'tensors') return tensorModel(bytes, config);
    const model = TASK_INPUTS[config.task] === 'text' ? textModel(bytes, config) : pictureModel(bytes, config);
    return { ...model, config, profiles: null };
  } catch (cause) {
    const { code, message } = ServingError.from(cause);
    throw new ServingError(code, `${file}: ${message}`, { cause });
  }
}

function pictureModel(bytes: Uint8Array, config: ModelConfig): BuildableModel {
  const ranges = openRanges(config);
  const input = networkInput(config);
  return rewriteForBuilding(bytes, ranges === null ? input : { ...input, ranges });
}

function textModel(original: Uint8Array, config: ModelConfig): BuildableModel {
  const { bytes, inputs, quantized } = rewriteForTexts(original, servedTexts(config));
  return { bytes, input: inputs[0]?.name ?? '', quantized };
}

/** As it is: all of it is the model's own. */
function tensorModel(bytes: Uint8Array, config: ModelConfig): Buildable {
  const tensors = modelTensors(bytes);
  const { inputs, quantized } = tensors;
  return { bytes, input: inputs[0]?.name ?? '', quantized, ...tensorBuild(tensors, config) };
}

async function readCalibration(
  modelFile: string,
  { task, tensorrt, input, preprocess }: ModelConfig,
  quantized: boolean,
  signal: AbortSignal,
): Promise<EngineInputs['calibration']> {
  const { precision, calibration } = tensorrt;
  if (precision !== 'int8' || quantized) return null;
  if (TASK_INPUTS[task] !== 'picture') {
    throw new ServingError(
      'CONFIG_INVALID',
      `tensorrt.precision is int8, and the model file has no Q/DQ nodes: a model of task ${task} cannot be calibrated with ` +
        'pictures; quantise it before it is exported, or use fp16',
    );
  }
  if (calibration === undefined) {
    throw new ServingError(
      'CONFIG_INVALID',
      'tensorrt.precision is int8, and the model file has no Q/DQ nodes: set tensorrt.calibration.directory to pictures ' +
        'such as the model will meet',
    );
  }
  const { accuracy_floor: _, directory: name, ...how } = calibration;
  const directory = resolve(modelDirectory(modelFile), name);
  const pictures = await pictureSetDigest(directory, signal);
  const facts = Buffer.from(canonicalJson({ pictures, how, input, preprocess }));
  return { directory, sha256: await sha256(facts) };
}

async function pluginSha256(file: string): Promise<string> {
  try {
    return await fileSha256(file);
  } catch (cause) {
    throw new ServingError('CONFIG_INVALID', `tensorrt.plugins: ${file} cannot be read: ${errorMessage(cause)}`, {
      cause,
    });
  }
}

import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { readModelConfig } from '../config/read-model-config.js';
import { ServingError } from '../core/errors.js';
import { TASK_INPUTS, type ModelConfig } from '../core/model-config.js';
import { CONFIG_FILES, scanModel } from '../core/repository-scan.js';
import type { InputSize } from '../onnx/comparison.js';
import type { ServingPlan } from '../onnx/doctor/finding.js';
import type { OnnxModel } from '../onnx/graph.js';
import { externalPlace, externalTensors } from '../onnx/model-file.js';

/** The format cannot say more in one message. */
const MOST_BYTES = 2 ** 31 - 1;

/** Throws MODEL_INVALID where the file is larger than any model file can be. */
export async function readModelFile(file: string): Promise<Uint8Array> {
  const { size } = await stat(file);
  if (size <= MOST_BYTES) return readFile(file);
  throw new ServingError(
    'MODEL_INVALID',
    `${file} has ${size} bytes, and a model file of more than ${MOST_BYTES} cannot be read by any runtime: ` +
      'export it in half precision, or cut the model into several.',
  );
}

/** What the configuration beside a version directory says; nothing where the file is in no repository. */
export async function servingPlanOf(file: string): Promise<{ input?: InputSize; serving?: ServingPlan }> {
  const version = dirname(resolve(file));
  const directory = dirname(version);
  if (!/^\d+$/.test(basename(version))) return {};
  const found = await Promise.all(CONFIG_FILES.map((name) => stat(join(directory, name)).catch(() => null)));
  const snapshot = found.some((file) => file !== null)
    ? await scanModel(dirname(directory), basename(directory), readModelConfig)
    : null;
  if (snapshot === null) return {};
  if (snapshot.content instanceof ServingError) {
    console.error(`${directory} is left out of account: ${snapshot.content.message}`);
    return {};
  }
  const { config, labels, warnings } = snapshot.content;
  for (const { place, path, instead } of warnings) console.error(`${place}: ${path}: ${instead}`);
  const serving = planOf(config, labels.length);
  return TASK_INPUTS[config.task] === 'tensors' ? { serving } : { input: config.input, serving };
}

function planOf({ task, preprocess, tensorrt }: ModelConfig, labels: number): ServingPlan {
  const { scale, mean, std } = preprocess;
  return {
    task,
    labels,
    normalises: scale !== 1 || mean.some((value) => value !== 0) || std.some((value) => value !== 1),
    int8: tensorrt.precision === 'int8',
    calibrated: tensorrt.calibration !== undefined,
  };
}

/** The files beside the model file that its weights are in; those that are missing, or elsewhere, are left out. */
export async function readExternalFiles(file: string, model: OnnxModel): Promise<ReadonlyMap<string, Uint8Array>> {
  const places = externalTensors(model).map((tensor) => externalPlace(tensor).location);
  const names = new Set(places.filter((name) => name !== null));
  const read = [...names].map(async (name): Promise<[string, Uint8Array][]> => {
    // A model may not name what is outside its directory.
    if (name.startsWith('/') || name.split('/').includes('..')) return [];
    const path = join(dirname(file), name);
    const isThere = await stat(path).then(
      (found) => found.isFile() && found.size <= MOST_BYTES,
      () => false,
    );
    return isThere ? [[name, await readFile(path)]] : [];
  });
  return new Map((await Promise.all(read)).flat());
}

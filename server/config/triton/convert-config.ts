import { convertBatching } from './convert-batching.js';
import { convertInstances } from './convert-instances.js';
import { convertSequences } from './convert-sequences.js';
import { convertTensorRt } from './convert-tensorrt.js';
import type { Reservations, TritonConfig } from './reservations.js';

/** What runs a model here: its file as ONNX, a plan that has one beside it, or the steps of an ensemble. */
export type Platform = 'onnx' | 'plan' | 'ensemble';

/** What a config.pbtxt says, as a config.yaml would. What is not done as it says goes to `notes`. */
export function convertConfig(config: TritonConfig, platform: Platform, notes: Reservations): object {
  const common = {
    max_batch_size: mostRows(config, notes) || openBatch(config, platform),
    tensors: convertTensors(config),
    dynamic_batching: convertBatching(config, notes),
    ...(config.response_cache === undefined ? {} : { response_cache: config.response_cache }),
    ...(config.version_policy === undefined ? {} : { version_policy: config.version_policy }),
  };
  if (platform === 'ensemble') return { task: 'ensemble', ...common, ensemble_scheduling: convertSteps(config, notes) };
  return {
    task: 'tensors',
    ...common,
    ...convertSequences(config),
    default_model_filename: modelFile(config),
    instance_group: convertInstances(config, notes),
    tensorrt: convertTensorRt(config, platform === 'plan', notes),
    ...(config.model_warmup.length === 0 ? {} : { model_warmup: config.model_warmup.map(convertWarmup) }),
  };
}

/** Rows that a batch may have. */
const MOST_ROWS = 1024;

function mostRows({ max_batch_size: most = 0 }: TritonConfig, notes: Reservations): number {
  if (most > MOST_ROWS) notes.add(['max_batch_size'], `${MOST_ROWS} is the most: requests of more rows are refused.`);
  return Math.min(most, MOST_ROWS);
}

/** Where nothing is said of the batch and of the tensors, the model file decides; else there is no batch dimension. */
function openBatch({ input, output }: TritonConfig, platform: Platform): number | undefined {
  return platform !== 'ensemble' && (input.length === 0 || output.length === 0) ? undefined : 0;
}

/** Nothing that is left out or not read appears. */
function convertTensors({ input, output }: TritonConfig): object {
  const tensor = ({
    name,
    data_type: type,
    dims,
    reshape,
  }: TritonConfig['input'][number] | TritonConfig['output'][number]) => ({
    name,
    data_type: type,
    dims,
    ...(reshape === undefined ? {} : { reshape: { shape: reshape.shape } }),
  });
  return {
    input: input.map(tensor),
    output: output.map((each) => {
      const { label_filename: labels = '' } = each;
      return { ...tensor(each), ...(labels === '' ? {} : { label_filename: labels }) };
    }),
  };
}

/** Where a plan is named, the ONNX file that it was built from is looked for beside it. */
function modelFile({ default_model_filename: name = '' }: TritonConfig): string {
  return name === '' ? 'model.onnx' : name.replace(/\.plan$/, '.onnx');
}

function convertWarmup({ batch_size: size = 0, count = 0 }: TritonConfig['model_warmup'][number]): object {
  return { batch_size: size || 1, count: count || 1 };
}

function convertSteps(config: TritonConfig, notes: Reservations): object {
  const { step = [], max_inflight_requests: most = 0 } = config.ensemble_scheduling ?? {};
  for (const field of ['instance_group', 'model_warmup'] as const) {
    if (config[field].length > 0) notes.add([field], 'An ensemble has no instances: the models of its steps have.');
  }
  for (const field of ['optimization', 'default_model_filename'] as const) {
    if (config[field] !== undefined) notes.add([field], 'An ensemble has no model file: the models of its steps have.');
  }
  return {
    step: step.map(({ model_name: name, model_version: version = -1, input_map: inputs, output_map: outputs }) => ({
      model_name: name,
      model_version: version,
      input_map: Object.fromEntries(inputs),
      output_map: Object.fromEntries(outputs),
    })),
    max_inflight_requests: most,
  };
}

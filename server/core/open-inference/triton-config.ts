import {
  DataType,
  ModelConfig as TritonConfig,
  ModelInstanceGroup_Kind as Kind,
  type ModelInput,
  type ModelOutput,
} from '../../gen/inference/model_config.js';
import type { ModelConfig } from '../model-config.js';
import type { Model } from '../model.js';
import type { Datatype, TensorSpec } from '../tensors.js';
import { platformOf } from './model-metadata.js';
import { tritonSequences } from './triton-sequences.js';

const DATA_TYPES: Readonly<Record<Datatype, DataType>> = {
  BOOL: DataType.TYPE_BOOL,
  UINT8: DataType.TYPE_UINT8,
  UINT16: DataType.TYPE_UINT16,
  UINT32: DataType.TYPE_UINT32,
  UINT64: DataType.TYPE_UINT64,
  INT8: DataType.TYPE_INT8,
  INT16: DataType.TYPE_INT16,
  INT32: DataType.TYPE_INT32,
  INT64: DataType.TYPE_INT64,
  FP16: DataType.TYPE_FP16,
  FP32: DataType.TYPE_FP32,
  FP64: DataType.TYPE_FP64,
  BF16: DataType.TYPE_BF16,
  BYTES: DataType.TYPE_STRING,
};

const BACKENDS: Readonly<Record<string, string>> = { onnxruntime_onnx: 'onnxruntime', tensorrt_plan: 'tensorrt' };

/** The configuration of a model in Triton's words, as far as they go. */
export function tritonConfig(model: Model): TritonConfig {
  const { name, config, signature, instances } = model;
  const { inputs, outputs, batched } = signature ?? { inputs: [], outputs: [], batched: false };
  const platform = platformOf(model);
  const onCpu = platform !== 'tensorrt_plan';
  return TritonConfig.fromPartial({
    name,
    platform,
    backend: BACKENDS[platform] ?? '',
    versionPolicy: versionPolicy(config),
    maxBatchSize: config.max_batch_size,
    input: inputs.map((spec): Partial<ModelInput> => ({ ...toTensor(spec, batched) })),
    output: outputs.map((spec): Partial<ModelOutput> => {
      const declared = config.tensors?.output.find((output) => output.name === spec.name);
      return { ...toTensor(spec, batched), labelFilename: declared?.label_filename ?? config.labels ?? '' };
    }),
    ...scheduling(config),
    instanceGroup:
      config.task === 'ensemble'
        ? []
        : [
            {
              name: `${name}_0`,
              kind: onCpu ? Kind.KIND_CPU : Kind.KIND_GPU,
              count: instances.total,
              gpus: onCpu ? [] : [...(config.instance_group.gpus ?? [])],
            },
          ],
    responseCache: config.response_cache,
    defaultModelFilename: platform === 'ensemble' ? '' : config.default_model_filename,
    // What Triton has no word for.
    parameters: { task: { stringValue: config.task } },
  });
}

/** Dims of one row, where there is a batch. */
function toTensor({ name, datatype, shape }: TensorSpec, batched: boolean) {
  const dims = shape ?? [-1];
  return { name, dataType: DATA_TYPES[datatype], dims: (batched ? dims.slice(1) : dims).map(BigInt) };
}

function versionPolicy({ version_policy: policy }: ModelConfig): Partial<TritonConfig>['versionPolicy'] {
  if ('latest' in policy)
    return { policyChoice: { $case: 'latest', latest: { numVersions: policy.latest.num_versions } } };
  if ('all' in policy) return { policyChoice: { $case: 'all', all: {} } };
  return { policyChoice: { $case: 'specific', specific: { versions: policy.specific.versions.map(BigInt) } } };
}

function scheduling(config: ModelConfig): Pick<Partial<TritonConfig>, 'schedulingChoice'> {
  const { ensemble_scheduling: ensemble } = config;
  if (ensemble !== undefined) {
    const step = ensemble.step.map(({ model_name: modelName, model_version: version, ...maps }) => ({
      modelName,
      modelVersion: BigInt(version),
      inputMap: maps.input_map,
      outputMap: maps.output_map,
      modelNamespace: '',
    }));
    const ensembleScheduling = { step, maxInflightRequests: ensemble.max_inflight_requests };
    return { schedulingChoice: { $case: 'ensembleScheduling', ensembleScheduling } };
  }
  if (config.sequence_batching !== undefined) {
    const sequenceBatching = tritonSequences(config.sequence_batching);
    return { schedulingChoice: { $case: 'sequenceBatching', sequenceBatching } };
  }
  if (config.max_batch_size === 0) return {};
  return { schedulingChoice: { $case: 'dynamicBatching', dynamicBatching: batching(config) } };
}

function batching({ dynamic_batching: said }: ModelConfig) {
  const { default_queue_policy: queue } = said;
  return {
    preferredBatchSize: [...said.preferred_batch_size],
    maxQueueDelayMicroseconds: BigInt(said.max_queue_delay_microseconds),
    preserveOrdering: said.preserve_ordering,
    priorityLevels: BigInt(said.priority_levels),
    defaultPriorityLevel: BigInt(said.default_priority_level),
    defaultQueuePolicy: {
      timeoutAction: 0,
      defaultTimeoutMicroseconds: BigInt(queue.default_timeout_microseconds),
      allowTimeoutOverride: true,
      maxQueueSize: queue.max_queue_size,
    },
    priorityQueuePolicy: new Map(),
  };
}

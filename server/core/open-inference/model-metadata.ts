import type {
  ModelMetadataResponse,
  ModelMetadataResponse_TensorMetadata as TensorMetadata,
} from '../../gen/inference/grpc_service.js';
import type { Model } from '../model.js';
import type { TensorSpec } from '../tensors.js';

/** What runs a model, as Triton names it. */
export function platformOf({ config, devices }: Pick<Model, 'config' | 'devices'>): string {
  if (config.task === 'pipeline' || config.task === 'ensemble') return 'ensemble';
  return devices.includes('CPU') ? 'onnxruntime_onnx' : 'tensorrt_plan';
}

/** The tensors of a model; `versions` are those that serve. */
export function modelMetadata(model: Model, versions: readonly number[]): ModelMetadataResponse {
  const { inputs, outputs } = model.signature ?? { inputs: [], outputs: [] };
  return {
    name: model.name,
    versions: versions.map(String),
    platform: platformOf(model),
    inputs: inputs.map(toMetadata),
    outputs: outputs.map(toMetadata),
  };
}

function toMetadata({ name, datatype, shape }: TensorSpec): TensorMetadata {
  // The protocol has no word for a shape of which nothing is known.
  return { name, datatype, shape: (shape ?? [-1]).map(BigInt) };
}

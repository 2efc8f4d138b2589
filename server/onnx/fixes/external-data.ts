import { ServingError } from '../../core/errors.js';
import type { GraphProto, TensorProto } from '../../gen/onnx/onnx.js';
import { TensorProto_DataLocation as DataLocation } from '../../gen/onnx/onnx.js';
import type { OnnxModel } from '../graph.js';
import { externalPlace, externalTensors } from '../model-file.js';
import { mapGraphs } from './edit.js';

/** Puts weights that are kept in other files into the model. Throws MODEL_INVALID where a file, or a part of it, is missing. */
export function takeInExternalData(
  model: OnnxModel,
  files: ReadonlyMap<string, Uint8Array>,
  changes: string[],
): OnnxModel {
  const outside = new Set(externalTensors(model));
  if (outside.size === 0) return model;
  const taken = (tensor: TensorProto): TensorProto => (outside.has(tensor) ? withData(tensor, files) : tensor);
  const inGraph = (graph: GraphProto): GraphProto => ({
    ...graph,
    initializer: graph.initializer.map(taken),
    node: graph.node.map((node) => ({
      ...node,
      attribute: node.attribute.map((one) => (one.t === undefined ? one : { ...one, t: taken(one.t) })),
    })),
  });
  changes.push(`${outside.size} weights that were kept in other files are in this one`);
  return { ...model, graph: mapGraphs(model.graph, inGraph) };
}

function withData(tensor: TensorProto, files: ReadonlyMap<string, Uint8Array>): TensorProto {
  const { location, offset, length } = externalPlace(tensor);
  const file = files.get(location ?? '');
  const rawData = file?.subarray(offset, length === null ? undefined : offset + length);
  if (rawData === undefined || (length !== null && rawData.length !== length)) {
    throw new ServingError(
      'MODEL_INVALID',
      `Tensor '${tensor.name}' keeps its data in ${location ?? 'another file'}, which is not there or too short.`,
    );
  }
  return { ...tensor, rawData, dataLocation: DataLocation.DEFAULT, externalData: [] };
}

import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { encodeModel } from '../../server/onnx/model-file.js';
import { int64Tensor } from '../../server/onnx/tensor.js';

/** A model for task fall whose logits are the x, the y and the score of the first key point. */
export function firstPointModel(batch: string | number, outputs = 3): Uint8Array {
  const shape = int64Tensor('shape', [0, 48]);
  const nodes = [
    node('Reshape', ['input', 'shape'], ['flat']),
    node('Slice', ['flat', 'start', 'end', 'axis'], ['states']),
  ];
  const initializers = [shape, int64Tensor('start', [0]), int64Tensor('end', [outputs]), int64Tensor('axis', [1])];
  const model = makeModel({
    name: 'first',
    nodes,
    initializers,
    inputs: [valueInfo('input', [batch, 16, 3])],
    outputs: [valueInfo('states', [batch, outputs])],
  });
  return encodeModel(model);
}

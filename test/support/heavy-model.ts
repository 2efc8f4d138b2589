import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { encodeModel } from '../../server/onnx/model-file.js';
import { floatTensor } from '../../server/onnx/tensor.js';
import { Random } from './random.js';

/** An embedder of `side`x`side` pictures with weights of some megabytes: 12 * side * side bytes for each of its outputs. */
export function heavyModel(side: number, outputs: number): Uint8Array {
  const random = new Random(1);
  const length = 3 * side * side;
  const weights = Float32Array.from({ length: length * outputs }, () => random.next() - 0.5);
  return encodeModel(
    makeModel({
      name: 'heavy',
      nodes: [node('Flatten', ['input'], ['flat']), node('MatMul', ['flat', 'weights'], ['embedding'])],
      initializers: [floatTensor('weights', [length, outputs], weights)],
      inputs: [valueInfo('input', ['batch', 3, side, side])],
      outputs: [valueInfo('embedding', ['batch', outputs])],
    }),
  );
}

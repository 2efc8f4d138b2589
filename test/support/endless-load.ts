import { node } from '../../server/onnx/builder.js';
import { decodeModel, encodeModel } from '../../server/onnx/model-file.js';
import { floatTensor } from '../../server/onnx/tensor.js';
import { slowModel } from './tiny-models.js';

/** A model whose every run takes minutes, the one that warms it up included: it never gets READY. */
export function endlessModel(width: number, height: number): Uint8Array {
  const model = decodeModel(slowModel(width, height));
  const { graph } = model;
  for (const { input } of graph.node) {
    const place = input.indexOf('input');
    if (place !== -1) input[place] = 'brightened';
  }
  graph.node.unshift(node('Add', ['input', 'brightness'], ['brightened']));
  graph.initializer.push(floatTensor('brightness', [], Float32Array.of(25_500)));
  return encodeModel(model);
}

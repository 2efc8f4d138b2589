import type { NodeProto, TensorProto } from '../../server/gen/onnx/onnx.js';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { encodeModel } from '../../server/onnx/model-file.js';
import { floatTensor } from '../../server/onnx/tensor.js';
import { Random } from './random.js';

/** One convolution of 3x3 with a ReLU behind it. */
interface Layer {
  readonly channels: number;
  readonly stride: 1 | 2;
}

const layer = (channels: number, stride: 1 | 2): Layer => ({ channels, stride });

/** Sides of the models' square inputs, of three channels. */
export const CONV_SIDES = { detector: 320, embedder: 112 } as const;

/**
 * Convolutions as a detector has them, with weights of chance: [N, 3, 320, 320], 1.2 MB, to [N, 64, 20, 20]. It takes 0.25
 * billion multiplications with their additions, 0.5 GFLOP, for each picture.
 */
export function convDetector(): Uint8Array {
  const layers = [layer(16, 2), layer(32, 2), layer(64, 2), layer(64, 1), layer(64, 1), layer(128, 2), layer(64, 1)];
  return convModel('detector', CONV_SIDES.detector, layers, false);
}

/** An embedder's convolutions, with weights of chance: [N, 3, 112, 112] to [N, 128], 0.05 GFLOP for each picture. */
export function convEmbedder(): Uint8Array {
  const layers = [layer(16, 2), layer(32, 2), layer(64, 2), layer(64, 1), layer(64, 1), layer(128, 2)];
  return convModel('embedder', CONV_SIDES.embedder, layers, true);
}

/** Gives out what it is given: `length` floats. */
export function identityModel(length: number): Uint8Array {
  return encodeModel(
    makeModel({
      name: 'identity',
      nodes: [node('Identity', ['input'], ['output'])],
      inputs: [valueInfo('input', ['batch', length])],
      outputs: [valueInfo('output', ['batch', length])],
    }),
  );
}

function convModel(name: string, side: number, layers: readonly Layer[], pooled: boolean): Uint8Array {
  const random = new Random(1);
  const initializers: TensorProto[] = [];
  const nodes: NodeProto[] = [];
  let [channels, cells, from] = [3, side, 'input'];
  layers.forEach((each, index) => {
    const to = !pooled && index === layers.length - 1 ? 'output' : `layer${index}`;
    // As spread as to keep the values in one range from layer to layer.
    const spread = 2 * Math.sqrt(6 / (9 * channels));
    const weights = Float32Array.from({ length: each.channels * channels * 9 }, () => (random.next() - 0.5) * spread);
    initializers.push(floatTensor(`${to}.weights`, [each.channels, channels, 3, 3], weights));
    const conv = { kernel_shape: [3, 3], strides: [each.stride, each.stride], pads: [1, 1, 1, 1] };
    nodes.push(node('Conv', [from, `${to}.weights`], [`${to}.conv`], conv), node('Relu', [`${to}.conv`], [to]));
    [channels, cells, from] = [each.channels, cells / each.stride, to];
  });
  if (pooled) nodes.push(node('GlobalAveragePool', [from], ['pooled']), node('Flatten', ['pooled'], ['output']));
  return encodeModel(
    makeModel({
      name,
      nodes,
      initializers,
      inputs: [valueInfo('input', ['batch', 3, side, side])],
      outputs: [valueInfo('output', pooled ? ['batch', channels] : ['batch', channels, cells, cells])],
    }),
  );
}

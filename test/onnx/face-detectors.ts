import type { NodeProto, TensorProto } from '../../server/gen/onnx/onnx.js';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import type { DeclaredDim, OnnxModel } from '../../server/onnx/graph.js';
import { floatTensor, int64Tensor } from '../../server/onnx/tensor.js';
import { noise } from './run-model.js';

/** How an exporter wrote the targets of the heads' Reshapes, `view(N, -1, k)` in the network. */
export type TargetStyle =
  /** `[1, 128, 4]`: traced with its sizes. */
  | 'literal'
  /** `[-1, 128, 4]`: as the seed's rules for exports have it. */
  | 'open batch'
  /** `[1, -1, 4]`: as it stands in the network. */
  | 'open cells';

export interface FaceDetectorOptions {
  readonly width: number;
  readonly height: number;
  /** @default 1 */
  readonly batch?: number;
  /** Declared shape of the input. @default [batch, 3, height, width] */
  readonly input?: readonly DeclaredDim[];
  /** @default 'literal' */
  readonly style?: TargetStyle;
}

const CHANNELS = 6;
const ANCHORS = 2;
const STRIDES = [8, 16, 32] as const;

/** Weights of a name are the same in every model, whatever its size. */
class Layers {
  readonly nodes: NodeProto[] = [];
  readonly constants: TensorProto[] = [];
  #seed = 1;

  conv(input: string, output: string, from: number, to: number, kernel: number, stride: number): string {
    const weights = noise(to * from * kernel * kernel, this.#seed++).map((value) => value / Math.sqrt(from * kernel));
    this.constants.push(floatTensor(`${output}.weight`, [to, from, kernel, kernel], weights));
    const pad = (kernel - 1) / 2;
    const attributes = { strides: [stride, stride], pads: [pad, pad, pad, pad] };
    this.nodes.push(node('Conv', [input, `${output}.weight`], [output], attributes));
    return output;
  }

  add(opType: string, inputs: string[], output: string, attributes: Parameters<typeof node>[3] = {}): string {
    this.nodes.push(node(opType, inputs, [output], attributes));
    return output;
  }

  ints(name: string, ...values: number[]): string {
    this.constants.push(int64Tensor(name, values));
    return name;
  }
}

/** A backbone of convolutions with a feature pyramid; the names of its values at strides 8, 16 and 32. */
function pyramid(layers: Layers, { width, height, batch = 1 }: FaceDetectorOptions): string[] {
  const stem = layers.conv('input', 'stem', 3, CHANNELS, 3, 4);
  const bodies: string[] = [];
  for (const stride of STRIDES) {
    const body = layers.conv(bodies.at(-1) ?? stem, `body${stride}`, CHANNELS, CHANNELS, 3, 2);
    bodies.push(layers.add('Relu', [body], `c${stride}`));
  }
  const [c8 = '', c16 = '', c32 = ''] = bodies;
  // interpolate(size=...), whose sizes exporters write down.
  const merge = (fine: string, coarse: string, stride: number) => {
    const sizes = layers.ints(`sizes${stride}`, batch, CHANNELS, height / stride, width / stride);
    const up = layers.add('Resize', [coarse, '', '', sizes], `up${stride}`, {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    });
    return layers.add('Add', [fine, up], `p${stride}`);
  };
  const p16 = merge(c16, c32, 16);
  return [merge(c8, p16, 8), p16, c32];
}

/** One head over all levels: [N, P, values]. */
function head(layers: Layers, name: string, levels: readonly string[], values: number, options: FaceDetectorOptions) {
  const { width, height, batch = 1, style = 'literal' } = options;
  const parts = levels.map((level, index) => {
    const stride = STRIDES[index] ?? 8;
    const cells = (ANCHORS * width * height) / stride / stride;
    const map = layers.conv(level, `${name}${stride}`, CHANNELS, ANCHORS * values, 1, 1);
    const last = layers.add('Transpose', [map], `${name}${stride}.nhwc`, { perm: [0, 2, 3, 1] });
    const target = layers.ints(
      `${name}${stride}.shape`,
      style === 'open batch' ? -1 : batch,
      style === 'open cells' ? -1 : cells,
      values,
    );
    return layers.add('Reshape', [last, target], `${name}${stride}.rows`);
  });
  return layers.add('Concat', parts, name, { axis: 1 });
}

function finish(name: string, layers: Layers, output: string, options: FaceDetectorOptions): OnnxModel {
  const { width, height, batch = 1, input = [batch, 3, height, width] } = options;
  return makeModel({
    name,
    nodes: layers.nodes,
    initializers: layers.constants,
    inputs: [valueInfo('input', input)],
    outputs: [valueInfo(output, null)],
  });
}

/** RetinaFace with its three heads in one output [N, P, 16]: box 4, scores 2 (after softmax), landmarks 10. */
export function retinaFace(options: FaceDetectorOptions): OnnxModel {
  const layers = new Layers();
  const levels = pyramid(layers, options);
  const boxes = head(layers, 'bbox', levels, 4, options);
  const scores = layers.add('Softmax', [head(layers, 'cls', levels, 2, options)], 'scores', { axis: -1 });
  const landmarks = head(layers, 'ldm', levels, 10, options);
  layers.add('Concat', [boxes, scores, landmarks], 'output', { axis: 2 });
  return finish('retinaface', layers, 'output', options);
}

/** SCRFD with its three heads in one output [N, P, 15]: box 4, score 1 (a logit), key points 10. */
export function scrfd(options: FaceDetectorOptions): OnnxModel {
  const layers = new Layers();
  const levels = pyramid(layers, options);
  const scores = head(layers, 'score', levels, 1, options);
  const boxes = head(layers, 'bbox', levels, 4, options);
  const points = head(layers, 'kps', levels, 10, options);
  layers.add('Concat', [boxes, scores, points], 'output', { axis: 2 });
  return finish('scrfd', layers, 'output', options);
}

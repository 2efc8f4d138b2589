import type { NodeProto, TensorProto } from '../../gen/onnx/onnx.js';
import { makeModel, node, valueInfo } from '../../onnx/builder.js';
import { encodeModel } from '../../onnx/model-file.js';
import { floatTensor } from '../../onnx/tensor.js';
import { CatalogError } from '../catalog-error.js';
import { readTorchCheckpoint, type TorchTensor } from '../torch-checkpoint.js';

/** Inverted residual blocks of MobileNetV2 at width 1: expansion, channels, repeats, stride of the first. */
const STAGES = [
  { expansion: 1, channels: 16, repeats: 1, stride: 1 },
  { expansion: 6, channels: 24, repeats: 2, stride: 2 },
  { expansion: 6, channels: 32, repeats: 3, stride: 2 },
  { expansion: 6, channels: 64, repeats: 4, stride: 2 },
  { expansion: 6, channels: 96, repeats: 3, stride: 1 },
  { expansion: 6, channels: 160, repeats: 3, stride: 2 },
  { expansion: 6, channels: 320, repeats: 1, stride: 1 },
] as const;
const STEM_CHANNELS = 32;
const EMBEDDING = 1280;
const INPUT_SIZE = 224;
/** What PyTorch adds to the variance of a batch normalisation. */
const EPSILON = 1e-5;

/**
 * The ONNX file of a MobileNetV2 without its classifier, from the state dict of its `features`: input `input`
 * [batch, 3, 224, 224], normalised RGB; output `embedding` [batch, 1280], the mean of the last feature map over height
 * and width, not normalised. Batch normalisation is folded into the convolutions. Opset 17.
 */
export function convertMobileNetV2(checkpoint: Uint8Array): Uint8Array {
  const network = new NetworkWriter(readTorchCheckpoint(checkpoint));
  let value = network.convolve('input', 'features.0.0', 'features.0.1', {
    channels: STEM_CHANNELS,
    stride: 2,
    relu6: true,
  });
  let channels: number = STEM_CHANNELS;
  let index = 1;
  for (const stage of STAGES) {
    for (let repeat = 0; repeat < stage.repeats; repeat++, index++) {
      const stride = repeat === 0 ? stage.stride : 1;
      value = network.invertedResidual(value, `features.${index}.conv`, channels, { ...stage, stride });
      channels = stage.channels;
    }
  }
  value = network.convolve(value, `features.${index}.0`, `features.${index}.1`, {
    channels: EMBEDDING,
    stride: 1,
    relu6: true,
  });
  return network.finish(value);
}

interface ConvolutionOptions {
  /** Of the output. */
  readonly channels: number;
  readonly stride: number;
  readonly relu6: boolean;
  /** Each channel on its own. */
  readonly depthwise?: boolean;
}

interface BlockOptions {
  readonly expansion: number;
  readonly channels: number;
  readonly stride: number;
}

/** Writes the layers in order; a layer is called by the name that it has in the checkpoint. */
class NetworkWriter {
  readonly #nodes: NodeProto[] = [];
  readonly #initializers: TensorProto[] = [scalar('zero', 0), scalar('six', 6)];

  constructor(private readonly tensors: ReadonlyMap<string, TorchTensor>) {}

  /** Expand by a 1x1 convolution, filter each channel, project; added to its input where the shapes allow it. */
  invertedResidual(input: string, name: string, inputChannels: number, options: BlockOptions): string {
    const { expansion, channels, stride } = options;
    const hidden = inputChannels * expansion;
    let layer = 0;
    // Layers are numbered with their normalisation and activation.
    const next = () => [`${name}.${layer}`, `${name}.${layer + 1}`] as const;
    let value = input;
    if (expansion !== 1) {
      value = this.convolve(value, ...next(), { channels: hidden, stride: 1, relu6: true });
      layer += 3;
    }
    value = this.convolve(value, ...next(), { channels: hidden, stride, relu6: true, depthwise: true });
    layer += 3;
    value = this.convolve(value, ...next(), { channels, stride: 1, relu6: false });
    if (stride !== 1 || channels !== inputChannels) return value;
    return this.#add('Add', [input, value], `${name}/sum`);
  }

  /** A convolution with the batch normalisation `norm` folded into it, and perhaps ReLU6. */
  convolve(input: string, name: string, norm: string, options: ConvolutionOptions): string {
    const { channels, stride, relu6, depthwise = false } = options;
    const weight = this.#floats(`${name}.weight`, [channels, null, null, null]);
    const perChannel = (part: string) => this.#floats(`${norm}.${part}`, [channels]).data;
    const [gamma, beta] = [perChannel('weight'), perChannel('bias')];
    const [mean, variance] = [perChannel('running_mean'), perChannel('running_var')];

    const kernel = weight.shape[2] ?? 1;
    const perFilter = weight.data.length / channels;
    const scales = Array.from(
      { length: channels },
      (_, c) => (gamma[c] ?? 0) / Math.sqrt((variance[c] ?? 0) + EPSILON),
    );
    const folded = weight.data.map((element, index) => element * (scales[Math.floor(index / perFilter)] ?? 0));
    const bias = Float32Array.from(scales, (scale, c) => (beta[c] ?? 0) - (mean[c] ?? 0) * scale);
    this.#initializers.push(
      floatTensor(`${name}.weight`, weight.shape, folded),
      floatTensor(`${name}.bias`, [channels], bias),
    );

    const padding = (kernel - 1) / 2;
    const convolved = this.#add('Conv', [input, `${name}.weight`, `${name}.bias`], `${name}/out`, {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
      group: depthwise ? channels : 1,
    });
    return relu6 ? this.#add('Clip', [convolved, 'zero', 'six'], `${name}/relu6`) : convolved;
  }

  finish(features: string): Uint8Array {
    const pooled = this.#add('GlobalAveragePool', [features], 'pooled');
    this.#add('Flatten', [pooled], 'embedding', { axis: 1 });
    const model = makeModel({
      name: 'mobilenetv2',
      nodes: this.#nodes,
      inputs: [valueInfo('input', ['batch', 3, INPUT_SIZE, INPUT_SIZE])],
      outputs: [valueInfo('embedding', ['batch', EMBEDDING])],
      initializers: this.#initializers,
    });
    return encodeModel(model);
  }

  #add(opType: string, inputs: readonly string[], output: string, attributes: Parameters<typeof node>[3] = {}): string {
    this.#nodes.push(node(opType, inputs, [output], attributes));
    return output;
  }

  /** A float32 tensor of the checkpoint; a null in `shape` stands for any size. */
  #floats(name: string, shape: readonly (number | null)[]): TorchTensor & { type: 'float32' } {
    const tensor = this.tensors.get(name);
    const fits =
      tensor?.shape.length === shape.length && shape.every((dim, axis) => dim === null || dim === tensor.shape[axis]);
    if (tensor?.type !== 'float32' || !fits) {
      const found = tensor === undefined ? 'it is not there' : `it is ${tensor.type} [${tensor.shape.join(', ')}]`;
      const expected = `float32 [${shape.map((dim) => dim ?? '?').join(', ')}]`;
      throw new CatalogError(`The checkpoint is not a MobileNetV2: tensor '${name}' should be ${expected}; ${found}.`);
    }
    return tensor;
  }
}

function scalar(name: string, value: number): TensorProto {
  return floatTensor(name, [], Float32Array.of(value));
}

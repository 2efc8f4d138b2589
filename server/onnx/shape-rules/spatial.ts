import { ShapeConflict, type NodeView, type Shape, type ShapeRule } from './rule.js';

/** Sizes of a window operator along the spatial axes. */
interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** All begins, then all ends. */
  readonly pads: readonly number[];
}

function windowOf(view: NodeView, kernel: readonly number[]): Window {
  const ones = kernel.map(() => 1);
  return {
    kernel,
    strides: view.ints('strides') ?? ones,
    dilations: view.ints('dilations') ?? ones,
    pads: view.ints('pads') ?? [...kernel, ...kernel].map(() => 0),
  };
}

/** The size along a spatial axis after a convolution or pooling. */
function slide(view: NodeView, window: Window, size: number | null, axis: number): number | null {
  if (size === null) return null;
  const { kernel, strides, dilations, pads } = window;
  const stride = strides[axis] ?? 1;
  const autoPad = view.text('auto_pad', 'NOTSET');
  if (autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER') return Math.ceil(size / stride);
  const padding = autoPad === 'VALID' ? 0 : (pads[axis] ?? 0) + (pads[axis + kernel.length] ?? 0);
  const extent = ((kernel[axis] ?? 1) - 1) * (dilations[axis] ?? 1) + 1;
  const steps = (size + padding - extent) / stride;
  if (steps < 0) throw new ShapeConflict(`a window of ${extent} does not fit ${size} (padding ${padding})`);
  return (view.int('ceil_mode', 0) === 1 ? Math.ceil(steps) : Math.floor(steps)) + 1;
}

const conv: ShapeRule = (view) => {
  const [input, weight] = [view.shape(0), view.shape(1)];
  if (input === null || weight === null) return [null];
  const [batch = null, channels = null, ...spatial] = input;
  const [outChannels = null, groupChannels = null, ...kernel] = weight;
  const expected = groupChannels === null ? null : groupChannels * view.int('group', 1);
  if (channels !== null && expected !== null && channels !== expected) {
    throw new ShapeConflict(`it takes ${expected} channels and is given ${channels}`);
  }
  const window = windowOf(view, view.ints('kernel_shape') ?? kernel.map((size) => size ?? 1));
  return [[batch, outChannels, ...spatial.map((size, axis) => slide(view, window, size, axis))]];
};

const convTranspose: ShapeRule = (view) => {
  const [input, weight] = [view.shape(0), view.shape(1)];
  if (input === null || weight === null) return [null];
  const [batch = null, , ...spatial] = input;
  const [, groupChannels = null, ...kernel] = weight;
  const channels = groupChannels === null ? null : groupChannels * view.int('group', 1);
  const autoPad = view.text('auto_pad', 'NOTSET');
  const wanted = view.ints('output_shape');
  const {
    strides,
    dilations,
    pads,
    kernel: sizes,
  } = windowOf(view, view.ints('kernel_shape') ?? kernel.map((k) => k ?? 1));
  const extra = view.ints('output_padding') ?? sizes.map(() => 0);
  const grown = spatial.map((size, axis) => {
    if (wanted !== null) return wanted[wanted.length - sizes.length + axis] ?? null;
    if (size === null || (autoPad !== 'NOTSET' && autoPad !== 'VALID')) return null;
    const padding = (pads[axis] ?? 0) + (pads[axis + sizes.length] ?? 0);
    const extent = ((sizes[axis] ?? 1) - 1) * (dilations[axis] ?? 1) + 1;
    return (size - 1) * (strides[axis] ?? 1) + (extra[axis] ?? 0) + extent - padding;
  });
  return [[batch, channels, ...grown]];
};

const pool: ShapeRule = (view) => {
  const input = view.shape(0);
  const kernel = view.ints('kernel_shape');
  if (input === null || kernel === null) return [null];
  const window = windowOf(view, kernel);
  const result = [...input.slice(0, 2), ...input.slice(2).map((size, axis) => slide(view, window, size, axis))];
  return view.node.output.map(() => result);
};

const globalPool: ShapeRule = ({ shape }) => [shape(0)?.map((size, axis) => (axis < 2 ? size : 1)) ?? null];

/** Resize and Upsample: by `scales`, or to `sizes`, which only Resize has (input 3, from opset 11). */
const resize: ShapeRule = (view) => {
  const input = view.shape(0);
  if (input === null || view.node.attribute.some(({ name }) => name === 'axes')) return [null];
  const sizes = view.value(3)?.numbers;
  if (sizes !== undefined) {
    return [view.text('keep_aspect_ratio_policy', 'stretch') === 'stretch' ? sizes : input.map(() => null)];
  }
  const scales = view.value(view.node.opType === 'Resize' && view.opset >= 11 ? 2 : 1)?.numbers;
  if (scales === undefined || scales.length !== input.length) return [input.map(() => null)];
  return [input.map((size, axis) => scaled(size, scales[axis] ?? 1))];
};

function scaled(size: number | null, scale: number): number | null {
  return size === null ? null : Math.floor(size * scale);
}

const depthToSpace: ShapeRule = (view) => [regroup(view.shape(0), view.int('blocksize', 1), 1)];
const spaceToDepth: ShapeRule = (view) => [regroup(view.shape(0), view.int('blocksize', 1), -1)];

function regroup(input: Shape | null, block: number, direction: 1 | -1): Shape | null {
  return (
    input?.map((size, axis) => {
      if (size === null || axis === 0) return size;
      return Math.round(size * (axis === 1 ? block ** (-2 * direction) : block ** direction));
    }) ?? null
  );
}

/** Operators that know about height and width. */
export const SPATIAL_RULES: Readonly<Record<string, ShapeRule>> = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: pool,
  AveragePool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  Resize: resize,
  Upsample: resize,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};

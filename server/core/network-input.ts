import type { PreprocessConfig } from './preprocess-config.js';

/** The shape of one row of a network's input tensor: CHW. */
export interface NetworkInput {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Pixels of a side that Focus puts side by side as channels. */
export const FOCUS_STRIDE = 2;

/** What of a ModelConfig says it. */
interface Fed {
  readonly input: { readonly width: number; readonly height: number };
  readonly preprocess: Pick<PreprocessConfig, 'color' | 'focus'>;
}

/** What a configuration feeds its model. With Focus, `input` is the size in front of it, and the tensor is half of that. */
export function networkInput({ input, preprocess }: Fed): NetworkInput {
  const { width, height } = input;
  const channels = channelsOf(preprocess.color);
  if (!preprocess.focus) return { channels, height, width };
  return {
    channels: channels * FOCUS_STRIDE ** 2,
    height: height / FOCUS_STRIDE,
    width: width / FOCUS_STRIDE,
  };
}

export function channelsOf(color: PreprocessConfig['color']): number {
  return color === 'gray' ? 1 : 3;
}

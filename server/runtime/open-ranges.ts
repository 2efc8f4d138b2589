import type { ModelConfig } from '../core/model-config.js';
import { FOCUS_STRIDE, networkInput } from '../core/network-input.js';
import type { ServedSize } from '../onnx/comparison.js';
import type { BuildProfile, SizeRange } from './native-gpu.js';

type Profiles = readonly ProfileConfig[];
/** Of models that take rows of one kind. */
type ProfileConfig = Pick<BuildProfile, 'batch'> & Readonly<Record<Side, SizeRange | undefined>>;
type Size = ModelConfig['input'];
type Side = keyof Size;

const NOTHING_SAID: Partial<NonNullable<ModelConfig['tensorrt']['profiles']>[number]> = {};

/** All heights and widths of the network input that profiles reach together; null where they leave neither open. */
export function openRanges(config: ModelConfig): NonNullable<ServedSize['ranges']> | null {
  const [profiles, input] = [profilesOf(config), networkInput(config)];
  const [height, width] = [reach(profiles, input, 'height'), reach(profiles, input, 'width')];
  return isOpen(height) || isOpen(width) ? { height, width } : null;
}

/** The profiles as a plan is built with them. A side that any of them opens is open in the file: all have to say it. */
export function buildProfiles(config: ModelConfig): BuildProfile[] {
  const [profiles, input] = [profilesOf(config), networkInput(config)];
  const side = (profile: ProfileConfig, name: Side) =>
    isOpen(reach(profiles, input, name)) ? rangeOf(profile, input, name) : null;
  return profiles.map((profile) => ({
    batch: profile.batch,
    height: side(profile, 'height'),
    width: side(profile, 'width'),
  }));
}

/** The configured profiles in pixels of the network input: half of those in front of Focus. */
function profilesOf({ tensorrt, preprocess, max_batch_size: most }: ModelConfig): Profiles {
  const all = { min: 1, opt: most, max: most };
  const profiles: Profiles = (tensorrt.profiles ?? [NOTHING_SAID]).map(({ batch = all, height, width }) => {
    return { batch, height, width };
  });
  if (!preprocess.focus) return profiles;
  const half = (range: SizeRange | undefined) =>
    range && {
      min: range.min / FOCUS_STRIDE,
      opt: range.opt / FOCUS_STRIDE,
      max: range.max / FOCUS_STRIDE,
    };
  return profiles.map(({ batch, height, width }) => ({ batch, height: half(height), width: half(width) }));
}

function reach(profiles: Profiles, input: Size, side: Side): SizeRange {
  const ranges = profiles.map((profile) => rangeOf(profile, input, side));
  const { opt } = ranges[0] ?? { opt: input[side] };
  return {
    min: Math.min(input[side], ...ranges.map(({ min }) => min)),
    opt,
    max: Math.max(input[side], ...ranges.map(({ max }) => max)),
  };
}

function rangeOf(profile: ProfileConfig, input: Size, side: Side): SizeRange {
  return profile[side] ?? { min: input[side], opt: input[side], max: input[side] };
}

function isOpen({ min, max }: SizeRange): boolean {
  return min < max;
}

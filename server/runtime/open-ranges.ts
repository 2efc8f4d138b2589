import type { ModelConfig } from '../core/model-config.js';
import type { ServedSize } from '../onnx/comparison.js';
import type { BuildProfile, SizeRange } from './native-gpu.js';

type Profiles = readonly ProfileConfig[];
type ProfileConfig = NonNullable<ModelConfig['tensorrt']['profiles']>[number];
type Size = ModelConfig['input'];
type Side = keyof Size;

/** All heights and widths that profiles reach together; null where they leave neither open. */
export function openRanges(profiles: Profiles, input: Size): NonNullable<ServedSize['ranges']> | null {
  const [height, width] = [reach(profiles, input, 'height'), reach(profiles, input, 'width')];
  return isOpen(height) || isOpen(width) ? { height, width } : null;
}

/** The profiles as a plan is built with them. A side that any of them opens is open in the file: all have to say it. */
export function buildProfiles(profiles: Profiles, input: Size): BuildProfile[] {
  const side = (profile: ProfileConfig, name: Side) =>
    isOpen(reach(profiles, input, name)) ? rangeOf(profile, input, name) : null;
  return profiles.map((profile) => ({
    batch: profile.batch,
    height: side(profile, 'height'),
    width: side(profile, 'width'),
  }));
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

import { z } from 'zod';
import { ALIGNMENT_NAMES, ALIGNMENT_TEMPLATES } from './alignment-templates.js';
import type { TensorRtConfig } from './tensorrt-config.js';

/** The section `preprocess` of a config.yaml: how pictures become the network's input. */

const perChannel = (description: string) => z.array(z.number()).length(3).describe(description);

const cropSchema = z
  .strictObject({
    rule: z
      .enum(['none', 'alphapose', 'aspect'])
      .default('none')
      .describe(
        'none: the box alone, clipped to the picture. alphapose: a tenth of the width more on either side and a tenth of ' +
          'the height at the top, 0.15 where the box is at most 100 pixels wide. aspect: the box, widened or heightened ' +
          'to the aspect ratio of the input, times `scale`, as HRNet and MMPose do.',
      ),
    scale: z
      .number()
      .min(0.1)
      .max(10)
      .optional()
      .describe('How much larger than the box is what is sampled; default: 1.25. Rule aspect only.'),
  })
  .describe(
    'What is sampled around a box given as region, for top-down poses. Beyond the box the picture is read, beyond the ' +
      'picture is padding. A frame without regions is one box.',
  );

export const preprocessSchema = z
  .strictObject({
    resize: z
      .enum(['letterbox', 'letterbox_rounded', 'letterbox_top_left', 'stretch'])
      .default('letterbox')
      .describe(
        'letterbox: keep the aspect ratio, centre on fractions of a pixel, pad. letterbox_rounded: to whole pixels, as ' +
          'Ultralytics and YOLOv5 to v7 do. letterbox_top_left: to whole pixels, in the top left corner, as InsightFace ' +
          'does for SCRFD. stretch: fill the input.',
      ),
    crop: cropSchema.prefault({}),
    color: z
      .enum(['rgb', 'bgr', 'gray'])
      .default('rgb')
      .describe('Order of the channels that the network expects. gray: one channel of brightness.'),
    focus: z
      .boolean()
      .default(false)
      .describe(
        'Feeds [12, height / 2, width / 2] to a YOLO whose Focus layer was cut off: the pixels of every second column and ' +
          'row as channels of their own. `input` stays the size in front of it.',
      ),
    pad: z.int().min(0).max(255).default(0).describe('Grey level of the padding around a letterboxed picture.'),
    scale: z.number().default(1).describe('Pixels become (value * scale - mean) / std.'),
    mean: perChannel('Per channel, in the order of `color`, after `scale`. With gray, three times the same.').default([
      0, 0, 0,
    ]),
    std: z
      .array(z.number().refine((value) => value !== 0, 'must not be 0'))
      .length(3)
      .describe('Per channel, in the order of `color`; not 0. With gray, three times the same.')
      .default([1, 1, 1]),
    alignment: z
      .union([z.enum(ALIGNMENT_NAMES), z.array(z.array(z.number()).length(2)).length(5)])
      .optional()
      .describe(
        'Where the five landmarks of a face belong in the network input, as [x, y] in pixels, in the order left eye, ' +
          'right eye, nose, left and right mouth corner; or the name of a template: those of ArcFace, for an input of ' +
          '112 x 112 or 96 x 112. Regions given as landmarks need it.',
      ),
  })
  .describe('How pixels become the input tensor.');

export type PreprocessConfig = z.output<typeof preprocessSchema>;

interface Preprocessed {
  readonly input: { readonly width: number; readonly height: number };
  readonly preprocess: PreprocessConfig;
  readonly tensorrt: TensorRtConfig;
}

type Problem = [path: PropertyKey[], message: string];

/** What is wrong with keys of the section that are right one by one: a path and a message for each problem. */
export function preprocessProblems({ input, preprocess }: Preprocessed): Problem[] {
  const { resize, crop, color, focus, alignment } = preprocess;
  const problems: Problem[] = [];
  const report = (keys: PropertyKey[], message: string) => problems.push([['preprocess', ...keys], message]);
  if (crop.rule !== 'none' && resize !== 'letterbox') {
    report(
      ['crop', 'rule'],
      `${crop.rule} keeps the aspect ratio its own way: set resize to letterbox, or leave it out`,
    );
  }
  if (crop.scale !== undefined && crop.rule !== 'aspect') {
    report(['crop', 'scale'], `has no meaning with rule ${crop.rule}: set rule to aspect, or remove it`);
  }
  if (color === 'gray') {
    if (focus) report(['focus'], 'has no meaning with color gray: remove one of the two');
    for (const key of ['mean', 'std'] as const) {
      const [first, ...others] = preprocess[key];
      if (others.some((value) => value !== first))
        report([key], 'gray is one channel: give three times the same number');
    }
  }
  if (typeof alignment === 'string') {
    const { width, height } = ALIGNMENT_TEMPLATES[alignment];
    if (input.width !== width || input.height !== height) {
      const found = `${input.width} x ${input.height}`;
      report(
        ['alignment'],
        `${alignment} is for an input of ${width} x ${height}, which is ${found}: write the points out`,
      );
    }
  }
  return problems;
}

/** What of the sizes Focus cannot halve. */
export function focusProblems({ input, preprocess, tensorrt }: Preprocessed): Problem[] {
  if (!preprocess.focus) return [];
  const problems: Problem[] = [];
  const report = (path: PropertyKey[], size: number) =>
    problems.push([path, `${size} is odd: preprocess.focus halves it`]);
  for (const side of ['width', 'height'] as const) {
    if (input[side] % 2 !== 0) report(['input', side], input[side]);
    tensorrt.profiles?.forEach((profile, index) => {
      for (const end of ['min', 'opt', 'max'] as const) {
        const size = profile[side]?.[end] ?? 0;
        if (size % 2 !== 0) report(['tensorrt', 'profiles', index, side, end], size);
      }
    });
  }
  return problems;
}

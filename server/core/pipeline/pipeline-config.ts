import { z } from 'zod';

/** The section `pipeline` of a config.yaml: models of the repository, one looking at what another has found. */

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

const tilesSchema = z
  .strictObject({
    width: z.int().min(16).max(16384).describe('Width of a tile, in pixels of the frame.'),
    height: z.int().min(16).max(16384).describe('Height of a tile, in pixels of the frame.'),
    overlap: z
      .number()
      .min(0)
      .max(0.9)
      .default(0.2)
      .describe('Least share of a tile that its neighbour has too: as wide as the objects that may lie on an edge.'),
    whole_frame: z
      .boolean()
      .default(true)
      .describe('Also searches the frame as a whole, for objects larger than a tile.'),
    merge: z
      .enum(['nmm', 'nms'])
      .default('nmm')
      .describe(
        'What becomes of detections of a class that match. nmm: the best one takes the others into its box. nms: the ' +
          'best one stays as it is; the only way for models with masks or turned boxes.',
      ),
    match: z
      .enum(['ios', 'iou'])
      .default('ios')
      .describe('What is compared. ios: intersection over the smaller of the boxes. iou: over their union.'),
    threshold: z.number().min(0).max(1).default(0.5).describe('Detections match when they overlap by more than this.'),
  })
  .describe('Searches the frame in overlapping tiles, for objects that are small in it. The first stage only.');

const stageSchema = z.strictObject({
  name: z
    .string()
    .regex(NAME, 'must begin with a letter or digit and go on with those, dots, dashes and underscores')
    .describe('What answers call the stage, and what `input` of other stages names.'),
  model: z
    .string()
    .regex(NAME, 'must be the name of a model directory')
    .describe('The model, by its directory in the repository.'),
  version: z.int().min(1).optional().describe('Its version; default: the newest ready one, looked up for each frame.'),
  input: z
    .string()
    .optional()
    .describe(
      'The earlier stage whose findings this one looks at, each by itself; default: the frame, which only the first ' +
        'stage looks at.',
    ),
  regions: z
    .enum(['box', 'landmarks'])
    .optional()
    .describe(
      'What of a finding is looked at; default: box. landmarks: the picture aligned by its five landmarks, as ' +
        '`preprocess.alignment` of the model says.',
    ),
  class_ids: z
    .array(z.int().min(0))
    .min(1)
    .optional()
    .describe('Only detections of these classes are looked at; default: all.'),
  max_regions: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe('Most detections of a frame that are looked at, best ones first; default: 64.'),
  min_score: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('Only detections that score more than this are looked at; default: all.'),
  min_size: z
    .number()
    .min(0)
    .optional()
    .describe('Only detections whose shorter side has at least so many pixels are looked at; default: all.'),
  tiles: tilesSchema.optional(),
});

export const pipelineSchema = z
  .strictObject({
    stages: z
      .array(stageSchema)
      .min(1)
      .max(16)
      .describe('The first looks at the frame and detects; each other one at what an earlier one has found.'),
    max_inflight_requests: z
      .int()
      .min(1)
      .max(256)
      .default(8)
      .describe('Most frames between their first and their last stage; each holds its decoded picture meanwhile.'),
  })
  .describe('The stages of a pipeline. Only for task pipeline, which needs it.');

export type StageConfig = z.output<typeof stageSchema>;
export type PipelineConfig = z.output<typeof pipelineSchema>;

/** Detections of a frame that a stage which names no number looks at. */
export const DEFAULT_MAX_REGIONS = 64;

/** What only means something where findings are chosen. */
const CHOICES = ['regions', 'class_ids', 'max_regions', 'min_score', 'min_size'] as const;

type Problem = [path: PropertyKey[], message: string];

/** What is wrong with stages that are right one by one. */
export function pipelineProblems({ stages }: PipelineConfig): Problem[] {
  // Of a name that is there twice, the first.
  const places = new Map(stages.map(({ name }, index) => [name, index] as const).reverse());
  return stages.flatMap((stage, index): Problem[] => {
    const at = ['pipeline', 'stages', index];
    const problems: Problem[] = [];
    const first = stages.findIndex(({ name }) => name === stage.name);
    if (first < index) problems.push([[...at, 'name'], `stage ${first + 1} has the name ${stage.name} too`]);
    const wrongInput = index === 0 ? whyNotFrame(stage) : whyNotInput(stages, index, places);
    if (wrongInput !== null) problems.push([[...at, 'input'], wrongInput]);
    if (index === 0) {
      for (const key of CHOICES) {
        if (stage[key] === undefined) continue;
        problems.push([[...at, key], 'has no meaning for the stage that looks at the frame: remove it']);
      }
    } else if (stage.tiles !== undefined) {
      problems.push([[...at, 'tiles'], 'only the first stage looks at the frame, which tiles are cut from: remove it']);
    }
    return problems;
  });
}

function whyNotFrame({ input }: StageConfig): string | null {
  return input === undefined ? null : 'the first stage looks at the frame: remove it';
}

function whyNotInput(
  stages: readonly StageConfig[],
  index: number,
  places: ReadonlyMap<string, number>,
): string | null {
  const { input } = stages[index]!;
  if (input === undefined) {
    return `the key is missing: only the first stage looks at the frame; name the stage whose findings this one looks at, such as ${stages[0]!.name}`;
  }
  const place = places.get(input);
  if (place === undefined) return `there is no stage ${input}; there are ${stages.map(({ name }) => name).join(', ')}`;
  if (place < index) return null;
  const cycle = cycleFrom(stages, index, places);
  if (cycle !== null) return `stages must not go round in a circle: ${cycle.join(' -> ')}`;
  return `stage ${input} comes later: write it before this one`;
}

/** The names on the way from a stage through its inputs back to it; null: the way ends. */
function cycleFrom(
  stages: readonly StageConfig[],
  start: number,
  places: ReadonlyMap<string, number>,
): string[] | null {
  const way = [stages[start]!.name];
  for (let at = start; way.length <= stages.length;) {
    const { input } = stages[at]!;
    const next = input === undefined ? undefined : places.get(input);
    if (next === undefined) return null;
    way.push(stages[next]!.name);
    if (next === start) return way;
    at = next;
  }
  return null;
}

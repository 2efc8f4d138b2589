import { z } from 'zod';
import { STANDARD_NOISE } from './tracking/box-filter.js';

/** The section `tracker` of a config.yaml: how the objects of a stream are followed from frame to frame. */

const frames = (description: string) => z.int().min(1).max(10_000).describe(description);
const share = (description: string) => z.number().min(0).max(1).describe(description);
const deviations = (length: number, description: string) =>
  z.array(z.number().min(0).max(100)).length(length).optional().describe(description);

const deepsortSchema = z
  .strictObject({
    preset: z
      .enum(['general', 'face', 'people'])
      .default('general')
      .describe(
        'Where the values come from that are not given. general: boxes alone. face: features decide, and motion is ' +
          'expected to be lively. people: boxes alone, with a size and a shape that change quickly.',
      ),
    max_age: frames('Frames that a confirmed track may go unseen; default: 150.').optional(),
    nhit: frames('Sightings that confirm a track, the first one included; default: 3.').optional(),
    distance_threshold: z
      .number()
      .min(0)
      .max(100_000)
      .optional()
      .describe(
        'A detection belongs to a track only below this distance. Without features: pixels between the centre and that ' +
          'of the latest box; default 100. With features: 1 - cosine; the preset face has 0.9.',
      ),
    nbuckets: z
      .int()
      .min(0)
      .max(1000)
      .optional()
      .describe(
        'Features that a track remembers, at least 1 where features are used; default: 0, of the preset face 150. Each ' +
          'takes 4 bytes a value: 150 of 512 values are 300 KiB a track.',
      ),
    has_feature: z
      .boolean()
      .optional()
      .describe(
        'Whether features decide who is who; a detection without one is then not tracked. Default: false, of the preset ' +
          'face true.',
      ),
    initiate_state: deviations(
      8,
      'Standard deviations of a new track: centre x, centre y, aspect, height, then their velocities, all but those of ' +
        'the aspect as shares of the height. Default: 0.1, 0.1, 0.01, 0.1, 0.0625, 0.0625, 0.00001, 0.0625; of the ' +
        'preset people 0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 1, 0.2.',
    ),
    per_frame_motion: deviations(
      8,
      'Standard deviations that a frame adds, likewise. Default: 0.05, 0.05, 0.01, 0.05, 0.00625, 0.00625, 0.00001, ' +
        '0.00625; of the preset face 0.05, 0.02, 0.1, 0.02, 0.08, 0.02, 0.1, 0.02; of people as initiate_state.',
    ),
    noise: z
      .array(z.number().min(1e-6).max(100))
      .length(4)
      .optional()
      .describe('Standard deviations of a detection, without velocities, likewise. Default: 0.05, 0.05, 0.1, 0.05.'),
  })
  .check((context) => {
    const { has_feature: hasFeature, nbuckets } = deepSortSettings(context.value);
    if (!hasFeature || nbuckets >= 1) return;
    const message = 'expected at least 1 where has_feature is true: a track has to remember what it looks like';
    context.issues.push({ code: 'custom', path: ['nbuckets'], message, input: nbuckets });
  })
  .describe('The algorithm deepsort: a Kalman filter, and features or the distance from where a track was last seen.');

const bytetrackSchema = z
  .strictObject({
    high_threshold: share('Detections above this score are matched first.').default(0.5),
    low_threshold: share(
      'Detections above this score, but not above high_threshold, may still continue a track. The detector has to ' +
        'answer with them: its score_threshold must not be higher.',
    ).default(0.1),
    new_track_threshold: share('Detections of at least this score may begin a track.').default(0.6),
    match_threshold: share('Largest cost of a match of the first round: 1 - IoU * score.').default(0.8),
    second_match_threshold: share('Largest cost of a match with a detection of a low score: 1 - IoU.').default(0.5),
    unconfirmed_match_threshold: share('Largest cost of the second sighting: 1 - IoU * score.').default(0.7),
    duplicate_threshold: share(
      'Two tracks that are nearer than this, by 1 - IoU, are one: the younger one ends.',
    ).default(0.15),
    track_buffer: frames('Frames that a track may go unseen, at 30 frames a second; scaled to frame_rate.').default(30),
  })
  .refine(
    ({ low_threshold: low, high_threshold: high, new_track_threshold: begin }) => low <= high && high <= begin,
    'expected low_threshold <= high_threshold <= new_track_threshold',
  )
  .describe('The algorithm bytetrack: overlaps with a prediction, and a second chance for detections of low score.');

const ocsortSchema = z
  .strictObject({
    score_threshold: share('Detections above this score are tracked.').default(0.6),
    iou_threshold: z.number().min(0.01).max(1).default(0.3).describe('Least overlap of a match: IoU.'),
    max_age: frames('Frames that a track may go unseen.').default(30),
    min_hits: frames(
      'Frames in a row, after the first one, in which a track must be seen to be confirmed. In as many frames at the ' +
        'start of a stream, tracks are confirmed at once.',
    ).default(3),
    delta_t: z.int().min(1).max(100).default(3).describe('Frames over which the direction of a track is measured.'),
    inertia: share('Weight of the direction beside the overlap.').default(0.2),
  })
  .describe('The algorithm ocsort: overlaps with a prediction, and the direction in which an object was going.');

export const trackerSchema = z
  .strictObject({
    algorithm: z
      .enum(['deepsort', 'bytetrack', 'ocsort'])
      .describe('How objects are followed. The section of the same name has its constants.'),
    frame_rate: z
      .number()
      .min(0.1)
      .max(1000)
      .default(30)
      .describe(
        'Frames a second for which all constants in frames are meant. Frames with a capture time move the tracks on by ' +
          'as many of these as have passed, others by one each.',
      ),
    idle_timeout_milliseconds: z
      .int()
      .min(1)
      .max(86_400_000)
      .default(10_000)
      .describe(
        'After so long without a frame, by capture times or by the clock, the tracks of a stream are forgotten.',
      ),
    max_tracks: z
      .int()
      .min(1)
      .max(10_000)
      .default(1000)
      .describe('Most tracks of a stream; a new one takes the place of the one that has gone unseen for longest.'),
    class_agnostic: z.boolean().default(false).describe('Whether a track may go on with a detection of another class.'),
    deepsort: deepsortSchema.prefault({}),
    bytetrack: bytetrackSchema.prefault({}),
    ocsort: ocsortSchema.prefault({}),
  })
  .describe('Objects get ids that stay the same from frame to frame. Streams do not share ids.');

export type TrackerConfig = z.output<typeof trackerSchema>;

type DeepSortSection = z.output<typeof deepsortSchema>;

/** The constants of DeepSORT with the preset's values filled in. */
export type DeepSortSettings = {
  readonly [Key in keyof Omit<DeepSortSection, 'preset'>]-?: Exclude<DeepSortSection[Key], undefined>;
};

const GENERAL: DeepSortSettings = {
  max_age: 150,
  nhit: 3,
  distance_threshold: 100,
  nbuckets: 0,
  has_feature: false,
  initiate_state: [...STANDARD_NOISE.initial],
  per_frame_motion: [...STANDARD_NOISE.motion],
  noise: [...STANDARD_NOISE.measurement],
};

/** Of a person who may fall: the box turns from upright to flat within a few frames. */
const FALLING = [0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 1, 0.2];

const PRESETS: Readonly<Record<DeepSortSection['preset'], DeepSortSettings>> = {
  general: GENERAL,
  face: {
    ...GENERAL,
    has_feature: true,
    nbuckets: 150,
    distance_threshold: 0.9,
    per_frame_motion: [0.05, 0.02, 0.1, 0.02, 0.08, 0.02, 0.1, 0.02],
  },
  people: { ...GENERAL, initiate_state: FALLING, per_frame_motion: FALLING },
};

export function deepSortSettings({ preset, ...given }: DeepSortSection): DeepSortSettings {
  const isGiven = ([, value]: [string, unknown]) => value !== undefined;
  return { ...PRESETS[preset], ...Object.fromEntries(Object.entries(given).filter(isGiven)) };
}

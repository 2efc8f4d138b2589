import test, { type ExecutionContext } from 'ava';
import { deepSortSettings, trackerSchema, type TrackerConfig } from '../../../server/core/tracking-config.js';
import { createTracker } from '../../../server/core/tracking/create-tracker.js';
import type { Track } from '../../../server/core/tracking/tracker.js';
import { askOracle } from '../../oracle/oracle.js';
import { makeScene, type SceneFrame, type SceneOptions } from './scenes.js';

const FRAMES = 300;

const SCENES: Readonly<Record<string, Partial<SceneOptions>>> = {
  'of one class': {},
  'of three classes': { classes: 3, objects: 20 },
  'of which frames were dropped': { dropped: 0.25 },
  'that is crowded': { objects: 30 },
};

/** Sections of a config.yaml, by what a test calls them. */
const TRACKERS: Readonly<Record<string, object>> = {
  'DeepSORT by distance': { algorithm: 'deepsort' },
  'DeepSORT of people': { algorithm: 'deepsort', deepsort: { preset: 'people', max_age: 20, nhit: 2 } },
  'DeepSORT of faces': { algorithm: 'deepsort', deepsort: { preset: 'face' } },
  'DeepSORT with a small bucket': {
    algorithm: 'deepsort',
    deepsort: { has_feature: true, nbuckets: 4, distance_threshold: 0.4, max_age: 30 },
  },
  ByteTrack: { algorithm: 'bytetrack' },
  'ByteTrack at another frame rate': {
    algorithm: 'bytetrack',
    frame_rate: 10,
    bytetrack: { duplicate_threshold: 0.5 },
  },
  'OC-SORT': { algorithm: 'ocsort' },
  'OC-SORT with more momentum': { algorithm: 'ocsort', ocsort: { inertia: 0.9, delta_t: 5, max_age: 50, min_hits: 1 } },
};

interface Followed {
  readonly ids: number[];
  readonly boxes: number[];
  readonly coasting: number[];
  readonly counts: number[];
}

function follow(scene: readonly SceneFrame[], config: TrackerConfig): Followed {
  const tracker = createTracker(config);
  const followed: Followed = { ids: [], boxes: [], coasting: [], counts: [] };
  const corners = ({ box: { left, top, right, bottom } }: Track) => [left, top, right, bottom];
  let index = 0;
  for (const { steps, detections } of scene) {
    index += steps;
    const tracks = tracker.update(detections, { index });
    followed.ids.push(...tracks.map((track) => track?.id ?? 0));
    followed.boxes.push(...tracks.flatMap((track) => (track === null ? [] : corners(track))));
    const coasting = tracker.coasting();
    followed.counts.push(coasting.length);
    for (const track of coasting) followed.coasting.push(track.id, track.framesSinceUpdate, ...corners(track));
  }
  return followed;
}

/** A scene as test/oracle/trackers.py takes it. */
function question(scene: readonly SceneFrame[], config: TrackerConfig) {
  const detections = scene.flatMap((frame) => frame.detections);
  const features = detections.flatMap(({ feature }) => [...(feature ?? [])]);
  return {
    algorithm: config.algorithm,
    config: oracleConfig(config),
    rows: Float64Array.from(
      detections.flatMap(({ box: { left, top, right, bottom }, score, classId }) => [
        left,
        top,
        right,
        bottom,
        score,
        classId,
      ]),
    ),
    counts: Float64Array.from(scene, (frame) => frame.detections.length),
    steps: Float64Array.from(scene, ({ steps }) => steps),
    features: Float32Array.from(features),
    width: features.length / detections.length,
  };
}

function oracleConfig({ algorithm, frame_rate, deepsort, bytetrack, ocsort }: TrackerConfig): object {
  if (algorithm === 'deepsort') {
    const { initiate_state: initial, per_frame_motion: motion, ...rest } = deepSortSettings(deepsort);
    return { ...rest, initial, motion };
  }
  if (algorithm === 'ocsort') return { ...ocsort, score: ocsort.score_threshold, iou: ocsort.iou_threshold };
  return {
    frame_rate,
    track_buffer: bytetrack.track_buffer,
    high: bytetrack.high_threshold,
    low: bytetrack.low_threshold,
    new: bytetrack.new_track_threshold,
    match: bytetrack.match_threshold,
    second: bytetrack.second_match_threshold,
    unconfirmed: bytetrack.unconfirmed_match_threshold,
    duplicate: bytetrack.duplicate_threshold,
  };
}

function alike(t: ExecutionContext, found: readonly number[], expected: Float64Array, what: string): void {
  t.is(found.length, expected.length, what);
  const wrong = found.findIndex((value, i) => !(Math.abs(value - expected[i]!) <= 1e-6 * (1 + Math.abs(expected[i]!))));
  t.is(wrong, -1, `${what} ${wrong}: ${found[wrong]} is not ${expected[wrong]}`);
}

for (const [name, section] of Object.entries(TRACKERS)) {
  test(`${name} follows as its oracle does, through every kind of scene`, (t) => {
    const config = trackerSchema.parse(section);
    const features = name.includes('faces') || name.includes('bucket') ? 16 : 0;
    const scenes = Object.values(SCENES).map((options, seed) =>
      makeScene(100 + seed, { frames: FRAMES, objects: 12, classes: 1, dropped: 0, features, ...options }),
    );
    const cases = scenes.map((scene) => question(scene, config));
    const expected = askOracle<Float64Array[][]>('trackers.py', { oracle: 'track', cases });
    for (const [at, scene] of scenes.entries()) {
      const title = Object.keys(SCENES)[at]!;
      const found = follow(scene, config);
      const [ids, boxes, coasting, counts] = expected[at]!;
      t.deepEqual(found.ids, [...ids!], `ids in the scene ${title}`);
      t.deepEqual(found.counts, [...counts!], `coasting tracks in the scene ${title}`);
      alike(t, found.coasting, coasting!, `a coasting track in the scene ${title}`);
      alike(t, found.boxes, boxes!, `a box in the scene ${title}`);
      // The scenes are no easier than they should be: tracks get lost and come to light again.
      const most = Math.max(...found.counts);
      t.true(new Set(found.ids).size > 15 && most > 2, `${title}: ${new Set(found.ids).size} ids, ${most} coasting`);
    }
  });
}

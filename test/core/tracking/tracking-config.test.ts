import test from 'ava';
import { deepSortSettings, trackerSchema } from '../../../server/core/tracking-config.js';

/** What is wrong with a section: paths and messages. */
function problems(section: object): string[] {
  const { error } = trackerSchema.safeParse(section);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('an algorithm is all that has to be said', (t) => {
  const { deepsort, bytetrack, ocsort, ...rest } = trackerSchema.parse({ algorithm: 'ocsort' });
  t.deepEqual(rest, {
    algorithm: 'ocsort',
    frame_rate: 30,
    idle_timeout_milliseconds: 10_000,
    max_tracks: 1000,
    class_agnostic: false,
  });
  t.deepEqual(deepsort, { preset: 'general' });
  t.deepEqual(bytetrack, {
    high_threshold: 0.5,
    low_threshold: 0.1,
    new_track_threshold: 0.6,
    match_threshold: 0.8,
    second_match_threshold: 0.5,
    unconfirmed_match_threshold: 0.7,
    duplicate_threshold: 0.15,
    track_buffer: 30,
  });
  t.deepEqual(ocsort, {
    score_threshold: 0.6,
    iou_threshold: 0.3,
    max_age: 30,
    min_hits: 3,
    delta_t: 3,
    inertia: 0.2,
  });
  t.regex(problems({}).join(), /^algorithm: /);
});

test('presets of deepsort fill in what is not given', (t) => {
  const settings = (section: object) =>
    deepSortSettings(trackerSchema.parse({ algorithm: 'deepsort', deepsort: section }).deepsort);
  t.deepEqual(settings({}), {
    max_age: 150,
    nhit: 3,
    distance_threshold: 100,
    nbuckets: 0,
    has_feature: false,
    initiate_state: [0.1, 0.1, 0.01, 0.1, 0.0625, 0.0625, 0.00001, 0.0625],
    per_frame_motion: [0.05, 0.05, 0.01, 0.05, 0.00625, 0.00625, 0.00001, 0.00625],
    noise: [0.05, 0.05, 0.1, 0.05],
  });
  t.like(settings({ preset: 'face', nbuckets: 20 }), {
    max_age: 150,
    has_feature: true,
    nbuckets: 20,
    distance_threshold: 0.9,
    initiate_state: [0.1, 0.1, 0.01, 0.1, 0.0625, 0.0625, 0.00001, 0.0625],
    per_frame_motion: [0.05, 0.02, 0.1, 0.02, 0.08, 0.02, 0.1, 0.02],
  });
  t.like(settings({ preset: 'people', max_age: 7 }), {
    max_age: 7,
    has_feature: false,
    initiate_state: [0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 1, 0.2],
    per_frame_motion: [0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 1, 0.2],
  });
});

test('values that cannot be meant are refused with their place', (t) => {
  const bad = (section: object, problem: RegExp) => {
    const found = problems({ algorithm: 'bytetrack', ...section });
    t.is(found.length, 1, found.join('\n'));
    t.regex(found[0]!, problem);
  };
  bad({ algorithm: 'sort' }, /^algorithm: /);
  bad({ frame_rate: 0 }, /^frame_rate: /);
  bad({ idle_timeout_milliseconds: 0 }, /^idle_timeout_milliseconds: /);
  bad({ max_tracks: 0 }, /^max_tracks: /);
  bad({ bytetrack: { low_threshold: 0.55 } }, /^bytetrack: expected low_threshold <= high_threshold <= new_track/);
  bad({ bytetrack: { new_track_threshold: 0.4 } }, /^bytetrack: expected low_threshold <= high_threshold <= new_track/);
  bad({ bytetrack: { match_threshold: 1.1 } }, /^bytetrack.match_threshold: /);
  bad({ ocsort: { iou_threshold: 0 } }, /^ocsort.iou_threshold: /);
  bad({ ocsort: { delta_t: 1.5 } }, /^ocsort.delta_t: /);
  bad({ deepsort: { has_feature: true } }, /^deepsort.nbuckets: expected at least 1 where has_feature is true/);
  bad({ deepsort: { preset: 'face', nbuckets: 0 } }, /^deepsort.nbuckets: /);
  bad({ deepsort: { noise: [1, 1, 1] } }, /^deepsort.noise: /);
  bad({ deepsort: { noise: [0, 1, 1, 1] } }, /^deepsort.noise.0: /);
  bad({ deepsort: { maxAge: 3 } }, /^deepsort: .*maxAge/);
  t.deepEqual(problems({ algorithm: 'deepsort', deepsort: { preset: 'face', has_feature: false, nbuckets: 0 } }), []);
});

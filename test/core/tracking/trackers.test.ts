import test from 'ava';
import { createTracker } from '../../../server/core/tracking/create-tracker.js';
import type { Track, Tracker, TrackInput } from '../../../server/core/tracking/tracker.js';
import { deepSortSettings, trackerSchema } from '../../../server/core/tracking-config.js';
import { Random } from '../../support/random.js';
import { blurred, makeInput, makeScene, unit } from './scenes.js';

const ALGORITHMS = ['deepsort', 'bytetrack', 'ocsort'] as const;

function make(section: object): Tracker {
  return createTracker(trackerSchema.parse(section));
}

/** A box of 40 by 80 around a point. */
function boxAt(x: number, y: number) {
  return { left: x - 20, top: y - 40, right: x + 20, bottom: y + 40 };
}

function at(x: number, y: number, classId = 0, feature?: Float32Array): TrackInput {
  return makeInput(boxAt(x, y), 0.9, classId, feature);
}

const ids = (tracks: readonly (Track | null)[]) => tracks.map((track) => track?.id ?? null);

for (const algorithm of ALGORITHMS) {
  test(`${algorithm} keeps the id of an object that is hidden for twelve frames`, (t) => {
    const tracker = make({ algorithm });
    const seen = new Set<number | null>();
    for (let frame = 0; frame < 60; frame++) {
      const isHidden = frame >= 30 && frame < 42;
      const found = ids(tracker.update(isHidden ? [] : [at(100 + 3 * frame, 200)], { index: frame }));
      if (frame >= 5) for (const id of found) seen.add(id);
    }
    t.deepEqual([...seen], [1]);
  });

  test(`${algorithm} tells of a hidden object where it should be by now`, (t) => {
    const tracker = make({ algorithm });
    for (let frame = 0; frame < 30; frame++) tracker.update([at(100 + 3 * frame, 200)], { index: frame });
    t.deepEqual(tracker.coasting(), []);
    for (let frame = 30; frame < 38; frame++) {
      t.deepEqual(tracker.update([], { index: frame }), []);
      const [track, ...others] = tracker.coasting();
      t.is(others.length, 0);
      const { left, right, top, bottom } = track!.box;
      t.true(Math.abs((left + right) / 2 - (100 + 3 * frame)) < 2, `frame ${frame}: ${left} ${right}`);
      t.true(Math.abs((top + bottom) / 2 - 200) < 2);
      t.deepEqual([track!.id, track!.state, track!.framesSinceUpdate], [1, 'confirmed', frame - 29]);
      t.deepEqual([track!.age, track!.hits], [frame + 1, 30]);
      t.true(Math.abs(track!.velocity!.x - 3) < 0.3 && Math.abs(track!.velocity!.y) < 0.3);
    }
  });

  test(`${algorithm} tells two objects apart that pass one another`, (t) => {
    const tracker = make({ algorithm });
    const first: (number | null)[] = [];
    let last: (number | null)[] = [];
    for (let frame = 0; frame < 60; frame++) {
      last = ids(tracker.update([at(100 + 6 * frame, 200), at(460 - 6 * frame, 215)], { index: frame }));
      if (frame === 10) first.push(...last);
    }
    t.deepEqual(last, first);
    t.deepEqual(first, [1, 2]);
  });

  test(`${algorithm} never joins classes unless it is told to`, (t) => {
    const found = (section: object) => {
      const tracker = make({ algorithm, ...section });
      let tracks: (Track | null)[] = [];
      for (let frame = 0; frame < 20; frame++) {
        tracks = tracker.update([at(300, 200, frame < 10 ? 0 : 7)], { index: frame });
      }
      return [tracks[0]!.id, tracks[0]!.classId];
    };
    t.deepEqual(found({}), [2, 7]);
    t.deepEqual(found({ class_agnostic: true }), [1, 7]);
  });

  test(`${algorithm} follows two classes in the same place side by side`, (t) => {
    const tracker = make({ algorithm });
    for (let frame = 0; frame < 30; frame++) {
      const swapped = frame % 2 === 1;
      const both = [at(200 + frame, 200, 3), at(200 + frame, 200, 5)];
      const tracks = tracker.update(swapped ? both.reverse() : both, { index: frame });
      if (frame > 5) t.deepEqual(ids(swapped ? tracks.reverse() : tracks), [1, 2]);
    }
  });

  test(`${algorithm} goes through frames without detections`, (t) => {
    const tracker = make({ algorithm });
    for (let frame = 0; frame < 400; frame++) t.deepEqual(tracker.update([], { index: frame }), []);
    for (let frame = 400; frame < 420; frame++) tracker.update([at(100, 200)], { index: frame });
    t.deepEqual(ids(tracker.update([at(100, 200)], { index: 420 })), [1]);
    for (let frame = 421; frame < 800; frame++) tracker.update([], { index: frame });
    t.is(tracker.size, 0);
    t.deepEqual(tracker.coasting(), []);
  });

  test(`${algorithm} leaves boxes without area alone`, (t) => {
    const tracker = make({ algorithm });
    for (let frame = 0; frame < 10; frame++) {
      const flat = makeInput({ left: 10, top: 10, right: 50, bottom: 10 });
      const turned = makeInput({ left: 50, top: 10, right: 10, bottom: 60 });
      const found = ids(tracker.update([flat, at(200, 200), turned], { index: frame }));
      t.deepEqual([found[0], found[2]], [null, null]);
      if (frame >= 4) t.is(found[1], 1);
    }
    t.is(tracker.size, 1);
  });

  test(`${algorithm} refuses what is not finite or out of range, and is left as it was`, (t) => {
    const [tracker, other] = [make({ algorithm }), make({ algorithm })];
    const bad: readonly [TrackInput, RegExp][] = [
      [makeInput({ left: NaN, top: 0, right: 10, bottom: 10 }), /detection 1 .*box \[NaN, 0, 10, 10\]/],
      [makeInput({ left: 0, top: 0, right: Infinity, bottom: 10 }), /finite/],
      [makeInput({ left: 0, top: -2e7, right: 10, bottom: 10 }), /within/],
      [makeInput(boxAt(0, 0), NaN), /score is NaN/],
      [makeInput(boxAt(0, 0), 1.5), /score is 1.5/],
      [makeInput(boxAt(0, 0), 0.9, 0.5), /class is 0.5/],
    ];
    for (let frame = 0; frame < 30; frame++) {
      const good = [at(100 + 5 * frame, 200), at(600, 300 + frame)];
      for (const [wrong, message] of bad) {
        const refused = () => tracker.update([good[0]!, wrong], { index: frame });
        t.throws(refused, { code: 'INVALID_REQUEST', message });
      }
      t.deepEqual(tracker.update(good, { index: frame }), other.update(good, { index: frame }));
    }
  });

  test(`${algorithm} does not trip over boxes as large as they may be, or as small`, (t) => {
    const tracker = make({ algorithm });
    const huge = makeInput({ left: -1e7, top: -1e7, right: 1e7, bottom: 1e7 });
    const wide = makeInput({ left: -1e7, top: 0, right: 1e7, bottom: 1e-3 });
    const tiny = makeInput({ left: 5, top: 5, right: 5 + 1e-9, bottom: 5 + 1e-9 });
    for (let frame = 0; frame < 200; frame++) {
      const found = [huge, wide, tiny, at(300, 300)].filter((_, index) => (frame + index) % 7 > 0);
      for (const track of [...tracker.update(found, { index: frame }), ...tracker.coasting()]) {
        if (track !== null) t.true(Object.values(track.box).every(Number.isFinite));
      }
    }
  });

  test(`${algorithm} never gives an id twice, not even after a reset`, (t) => {
    const tracker = make({ algorithm });
    const owner = new Map<number, number>();
    let latest = 0;
    for (let round = 0; round < 3; round++) {
      const born = new Set<number>();
      let index = 0;
      for (const { steps, detections } of makeScene(7 + round, SCENE)) {
        index += steps;
        const found = tracker.update(detections, { index }).filter((track) => track !== null);
        t.is(new Set(ids(found)).size, found.length, 'two detections of a frame have the same id');
        for (const { id } of found) born.add(id);
      }
      for (const id of born) {
        t.false(owner.has(id));
        owner.set(id, round);
      }
      t.true(born.size > 10 && Math.min(...born) > latest);
      latest = Math.max(...born);
      tracker.reset();
      t.is(tracker.size, 0);
    }
  });

  test(`${algorithm} keeps no more than it may in 10,000 frames of false alarms`, (t) => {
    const tracker = make({ algorithm, max_tracks: 60 });
    const random = new Random(41);
    let most = 0;
    for (let frame = 0; frame < 10_000; frame++) {
      // Each stays for a few frames, so that it gets confirmed, and is never seen again.
      const scene = Math.floor(frame / 6);
      const detections = Array.from({ length: 20 }, (_, index) =>
        at(((scene * 7919 + index * 104_729) % 9000) + random.next(), ((scene * 31 + index * 17) % 90) * 100),
      );
      tracker.update(detections, { index: frame });
      most = Math.max(most, tracker.size);
    }
    t.true(most <= 60 && most > 40, `${most} tracks`);
  });

  test(`${algorithm} gives up a track in time when frames are left out`, (t) => {
    const tracker = make({ algorithm, deepsort: { max_age: 30 } });
    const found = (index: number) => ids(tracker.update([at(100, 200)], { index }));
    for (let frame = 0; frame < 10; frame++) found(frame);
    t.deepEqual(found(10), [1]);
    t.deepEqual(found(25), [1]);
    t.deepEqual(ids(tracker.update([], { index: 100 })), []);
    t.is(tracker.size, 0);
  });

  test(`${algorithm} answers with what does not change any more`, (t) => {
    const tracker = make({ algorithm });
    for (let frame = 0; frame < 10; frame++) tracker.update([at(100 + frame, 200)], { index: frame });
    const [track] = tracker.update([at(110, 200)], { index: 10 });
    const copy = structuredClone(track);
    for (let frame = 11; frame < 20; frame++) tracker.update([at(100 + 3 * frame, 250)], { index: frame });
    t.deepEqual(track, copy);
    t.deepEqual([track!.age, track!.hits, track!.framesSinceUpdate, track!.score], [11, 11, 0, 0.9]);
  });

  test(`${algorithm} wants frames in order, and starts anew where it is told to`, (t) => {
    const tracker = make({ algorithm });
    for (let frame = 0; frame < 10; frame++) tracker.update([at(100, 200)], { index: frame });
    t.throws(() => tracker.update([], { index: 9 }), { instanceOf: RangeError });
    t.throws(() => tracker.update([], { index: 10.5 }), { instanceOf: RangeError });
    t.is(tracker.size, 1);
    tracker.update([at(100, 200)], { index: 0, isNewScene: true });
    for (let frame = 1; frame < 10; frame++) tracker.update([at(100, 200)], { index: frame });
    t.deepEqual(ids(tracker.update([at(100, 200)], { index: 10 })), [2]);
  });
}

const SCENE = { frames: 200, objects: 12, classes: 2, features: 0, dropped: 0 };

test('a full tracker keeps those in sight, and lets a new one in only for one that is not', (t) => {
  const tracker = make({ algorithm: 'bytetrack', max_tracks: 2 });
  const [one, two, three] = [at(100, 100), at(300, 100), at(500, 100)];
  t.deepEqual(ids(tracker.update([one, two, three], { index: 0 })), [1, 2, null]);
  t.deepEqual(ids(tracker.update([one, two, three], { index: 1 })), [1, 2, null]);
  t.deepEqual(ids(tracker.update([two, three], { index: 2 })), [2, null]);
  t.deepEqual(ids(tracker.update([two, three], { index: 3 })), [2, 3]);
  t.deepEqual(ids(tracker.update([one, two], { index: 4 })), [null, 2]);
});

test('deepsort confirms a track at its third sighting, bytetrack and ocsort in the first frame at once', (t) => {
  const confirmedAt = (algorithm: string, from: number) => {
    const tracker = make({ algorithm });
    for (let frame = 0; frame < from; frame++) tracker.update([at(900, 600)], { index: frame });
    for (let frame = from; ; frame++) {
      if (tracker.update([at(100, 200), at(900, 600)], { index: frame })[0] !== null) return frame - from;
    }
  };
  t.deepEqual([confirmedAt('deepsort', 0), confirmedAt('deepsort', 20)], [2, 2]);
  t.deepEqual([confirmedAt('bytetrack', 0), confirmedAt('bytetrack', 20)], [0, 1]);
  t.deepEqual([confirmedAt('ocsort', 0), confirmedAt('ocsort', 20)], [0, 3]);
});

test('deepsort with nhit 1 confirms at once, and then a miss is no end', (t) => {
  const tracker = make({ algorithm: 'deepsort', deepsort: { nhit: 1 } });
  t.deepEqual(ids(tracker.update([at(100, 200)], { index: 0 })), [1]);
  tracker.update([], { index: 1 });
  t.deepEqual(ids(tracker.update([at(100, 200)], { index: 2 })), [1]);
});

/** Two people stand close together and change places from one frame to the next; ids by person before and after. */
function swap(deepsort: object): [before: (number | null)[], after: (number | null)[]] {
  const random = new Random(3);
  const tracker = make({ algorithm: 'deepsort', deepsort });
  const looks = [unit(random, 64), unit(random, 64)] as const;
  const at20: (number | null)[][] = [];
  for (let frame = 0; frame < 30; frame++) {
    const xs = frame < 20 ? [400, 412] : [412, 400];
    const people = looks.map((look, person) => at(xs[person]!, 200, 0, blurred(random, look, 0.5)));
    at20.push(ids(tracker.update(people, { index: frame })));
  }
  return [at20[19]!, at20[29]!];
}

test('features keep ids from being exchanged where places alone exchange them', (t) => {
  t.deepEqual(swap({}), [
    [1, 2],
    [2, 1],
  ]);
  t.deepEqual(
    swap({ preset: 'face', per_frame_motion: [...deepSortSettings({ preset: 'general' }).per_frame_motion] }),
    [
      [1, 2],
      [1, 2],
    ],
  );
});

test('with features, a detection without one is left alone, and wrong ones are refused', (t) => {
  const tracker = make({ algorithm: 'deepsort', deepsort: { preset: 'face' } });
  const look = unit(new Random(1), 8);
  for (let frame = 0; frame < 5; frame++) {
    const found = ids(tracker.update([at(100, 200, 0, look), at(400, 200)], { index: frame }));
    t.deepEqual(found, [frame < 2 ? null : 1, null]);
  }
  const refused = (feature: Float32Array, message: RegExp) =>
    t.throws(() => tracker.update([at(100, 200, 0, feature)], { index: 5 }), { code: 'INVALID_REQUEST', message });
  refused(new Float32Array(8), /length 0.*normalise/);
  refused(
    look.map((value) => 2 * value),
    /length 2.00/,
  );
  refused(
    look.map((value, index) => (index === 3 ? NaN : value)),
    /length NaN/,
  );
  refused(unit(new Random(1), 9), /9 values .* 8/);
  t.deepEqual(ids(tracker.update([at(100, 200, 0, look)], { index: 5 })), [1]);
  tracker.reset();
  t.notThrows(() => tracker.update([at(100, 200, 0, unit(new Random(1), 9))], { index: 6 }));
});

test('bytetrack goes on with a detection of low score, but does not begin with one', (t) => {
  const tracker = make({ algorithm: 'bytetrack' });
  const low = makeInput(boxAt(100, 200), 0.2);
  for (let frame = 0; frame < 5; frame++) t.deepEqual(ids(tracker.update([low], { index: frame })), [null]);
  for (let frame = 5; frame < 10; frame++) tracker.update([at(100, 200)], { index: frame });
  for (let frame = 10; frame < 90; frame++) t.deepEqual(ids(tracker.update([low], { index: frame })), [1]);
});

test('ocsort finds an object again that stopped while it was hidden', (t) => {
  const tracker = make({ algorithm: 'ocsort' });
  for (let frame = 0; frame < 20; frame++) tracker.update([at(100 + 10 * frame, 200)], { index: frame });
  for (let frame = 20; frame < 35; frame++) tracker.update([], { index: frame });
  // The prediction is 150 pixels further on by now and overlaps with nothing.
  t.true(tracker.coasting()[0]!.box.left > 400);
  const [track] = tracker.update([at(295, 200)], { index: 35 });
  t.is(track?.id, 1);
  // And the way there is told anew: slow at the end, not as fast as before.
  t.true(track!.velocity!.x < 5, String(track!.velocity!.x));
});

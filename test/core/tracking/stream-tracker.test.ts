import test from 'ava';
import { StreamTracker } from '../../../server/core/tracking/stream-tracker.js';
import { trackerSchema } from '../../../server/core/tracking-config.js';
import { FakeClock } from '../../support/fake-clock.js';
import { makeInput } from './scenes.js';

/** Microseconds from a frame to the next, at 30 a second. */
const FRAME = 33_333;

function make(section: object = {}) {
  const clock = new FakeClock();
  const config = trackerSchema.parse({ algorithm: 'bytetrack', idle_timeout_milliseconds: 2000, ...section });
  return { clock, tracker: new StreamTracker(config, clock) };
}

function at(x: number) {
  return makeInput({ left: x, top: 100, right: x + 40, bottom: 180 });
}

function idOf(tracker: StreamTracker, x: number, index: number, captureTime: number | null): number | null {
  return tracker.update([at(x)], { index, captureTime })[0]?.id ?? null;
}

test('tracks move on by capture times where frames are missing', (t) => {
  const { tracker } = make();
  for (let frame = 0; frame < 20; frame++) t.is(idOf(tracker, 100 + 8 * frame, frame, frame * FRAME), 1);
  // Ten frames were dropped before they were counted: 80 pixels, twice the object's width.
  const [track] = tracker.update([at(100 + 8 * 30)], { index: 20, captureTime: 30 * FRAME });
  t.is(track?.id, 1);
  t.is(track?.age, 31);
});

test('without capture times tracks move on by places in the stream', (t) => {
  const { tracker } = make();
  for (let frame = 0; frame < 20; frame++) t.is(idOf(tracker, 100 + 8 * frame, frame, null), 1);
  t.is(idOf(tracker, 100 + 8 * 30, 30, null), 1);
  t.is(tracker.update([at(100 + 8 * 31)], { index: 31, captureTime: null })[0]?.age, 32);
});

test('frames with and without capture times make one time', (t) => {
  const { tracker } = make();
  for (let frame = 0; frame < 40; frame++) {
    const captureTime = frame % 3 === 0 ? frame * FRAME : null;
    const [track] = tracker.update([at(100 + 8 * frame)], { index: frame, captureTime });
    t.deepEqual([track?.id, track?.age], [1, frame + 1]);
  }
});

test('frames that come faster than the rate count one each', (t) => {
  const { tracker } = make();
  for (let frame = 0; frame < 20; frame++) {
    const [track] = tracker.update([at(100)], { index: frame, captureTime: frame * 1000 });
    t.deepEqual([track?.id, track?.age], [1, frame + 1]);
  }
  t.is(idOf(tracker, 100, 20, 19_000), 1, 'two frames of the same time');
});

test('a frame from the past is refused, and the stream goes on as if it had not been there', (t) => {
  const { tracker } = make();
  const { tracker: other } = make();
  for (let frame = 0; frame < 40; frame++) {
    if (frame > 3) {
      const past = { index: 2 * frame, captureTime: (frame - 3) * FRAME };
      const message = /captured 66\.666 ms before .*order of their capture times/;
      t.throws(() => tracker.update([at(0)], past), { code: 'INVALID_REQUEST', message });
    }
    const detections = [at(100 + 3 * frame)];
    const now = { index: 2 * frame + 1, captureTime: frame * FRAME };
    t.deepEqual(tracker.update(detections, now), other.update(detections, now));
  }
});

test('a frame that comes twice, or with a time that is no number, is refused', (t) => {
  const { tracker } = make();
  idOf(tracker, 100, 5, null);
  t.throws(() => idOf(tracker, 100, 5, null), { code: 'INVALID_REQUEST', message: /frame 5 comes after frame 5/ });
  t.throws(() => idOf(tracker, 100, 6, NaN), { code: 'INVALID_REQUEST', message: /NaN/ });
  t.is(idOf(tracker, 100, 6, null), 1);
});

test('a gap longer than the idle time-out begins a new scene, with new ids', (t) => {
  const { tracker } = make({ bytetrack: { track_buffer: 1000 } });
  for (let frame = 0; frame < 10; frame++) idOf(tracker, 100, frame, frame * FRAME);
  t.is(idOf(tracker, 100, 10, 9 * FRAME + 2_000_000), 1, 'as long as the time-out');
  t.is(idOf(tracker, 100, 11, 9 * FRAME + 4_000_001), 2, 'a microsecond longer');
  t.is(tracker.size, 1);
});

test('a frame that cannot be tracked does not begin a new scene', (t) => {
  const { tracker } = make({ bytetrack: { track_buffer: 1000 } });
  for (let frame = 0; frame < 10; frame++) idOf(tracker, 100, frame, frame * FRAME);
  t.throws(() => idOf(tracker, NaN, 10, 9_000_000), { code: 'INVALID_REQUEST', message: /NaN/ });
  t.is(tracker.size, 1);
  t.is(idOf(tracker, 100, 11, 10 * FRAME), 1);
});

test('a stream that falls silent has its tracks forgotten; ids go on counting', (t) => {
  const { tracker, clock } = make();
  for (let frame = 0; frame < 10; frame++) {
    idOf(tracker, 100, frame, null);
    clock.advance(100_000);
  }
  clock.advance(1_899_000);
  t.is(tracker.size, 1);
  clock.advance(1_001);
  t.is(tracker.size, 0);
  t.deepEqual(tracker.coasting(), []);
  t.is(idOf(tracker, 100, 10, null), 2);
});

test('a clock that was set back is believed once the stream has been idle', (t) => {
  const { tracker, clock } = make();
  idOf(tracker, 100, 0, 50_000_000);
  t.throws(() => idOf(tracker, 100, 1, 1_000_000), { code: 'INVALID_REQUEST' });
  clock.advance(2_000_000);
  t.is(idOf(tracker, 100, 2, 1_000_000), 2);
});

test('a stream that has ended keeps nothing and waits for nothing', (t) => {
  const { tracker, clock } = make();
  for (let frame = 0; frame < 10; frame++) idOf(tracker, 100, frame, null);
  t.is(clock.pendingTimers, 1);
  tracker[Symbol.dispose]();
  t.is(tracker.size, 0);
  t.is(clock.pendingTimers, 0);
});

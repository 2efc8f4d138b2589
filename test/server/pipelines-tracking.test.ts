import test from 'ava';
import { FramePolicy, type DetectResponse } from '../../clients/typescript/sluice-client.js';
import { TrackState } from '../../server/gen/sluice/v1/inference.js';
import { all } from '../support/ask.js';
import { eventually } from '../support/eventually.js';
import { detectFrame, detectOptions } from '../support/messages.js';
import { Operator } from '../support/operator.js';
import { spots } from '../support/pictures.js';
import { addGrid, addSpots, DESCRIBE, FIND, pipelineOf, SIDE } from '../support/pipelines.js';
import { Serving } from '../support/serving.js';

/** Objects that keep their ids from frame to frame, of detectors and of pipelines. */

const FRAMES = 30;
/** A machine that is busy with other tests may take its time. */
const PATIENT = { idle_timeout_milliseconds: 600_000 } as const;
const BYTETRACK = { algorithm: 'bytetrack', ...PATIENT } as const;
/** Half a box a frame is far for the usual deviations. */
const LIVELY = [0.5, 0.5, 0.1, 0.5, 0.5, 0.5, 0.1, 0.5];
const BY_LOOKS = {
  algorithm: 'deepsort',
  ...PATIENT,
  deepsort: {
    has_feature: true,
    nbuckets: 10,
    distance_threshold: 0.5,
    initiate_state: LIVELY,
    per_frame_motion: LIVELY,
  },
} as const;

let serving: Serving;
let operator: Operator;

test.before(async () => {
  serving = await Serving.start(
    async (repository) => {
      await addSpots(repository);
      await addGrid(repository);
      await addSpots(repository, { tracker: BYTETRACK }, 'followed');
      await addSpots(repository, { tracker: BYTETRACK }, 'reloaded');
      await addSpots(repository, { tracker: { ...BYTETRACK, idle_timeout_milliseconds: 500 } }, 'forgetful');
      await repository.configure('people', { ...pipelineOf([FIND, DESCRIBE]), tracker: BY_LOOKS });
      await repository.configure('blind', { ...pipelineOf([FIND]), tracker: BY_LOOKS });
    },
    ['--model-control-mode', 'explicit', '--load-model', 'spots,grid,followed,reloaded,forgetful,people'],
  );
  operator = await Operator.of(serving.server);
});

test.after.always(async () => {
  operator?.[Symbol.dispose]();
  await serving?.[Symbol.asyncDispose]();
});

/** Two blocks: one goes right, the other left, on lines of their own. */
function picture(index: number) {
  return spots(SIDE, SIDE, [
    [8 + 4 * index, 40, 250],
    [120 - 4 * index, 80, 220],
  ]);
}

const video = Array.from({ length: FRAMES }, (_, index) => ({ id: String(index), picture: picture(index) }));

/** The id of the object on each of the two lines; null: it is not tracked. */
function idsOf({ detections }: DetectResponse): (number | null)[] {
  return [40, 80].map((line) => {
    const found = detections.find(({ box }) => Math.abs((box!.top + box!.bottom) / 2 - line) < 6);
    return found?.track?.id ?? null;
  });
}

for (const model of ['followed', 'people']) {
  test(`ids of ${model} stay the same for as long as the video lasts, whatever the window`, async (t) => {
    for (const window of [1, 8]) {
      const answers = await all(serving.client.detect(video, { model, window }));
      t.deepEqual(
        answers.map(({ frame }) => [frame?.frameId, frame?.error]),
        video.map(({ id }) => [id, undefined]),
      );
      const ids = answers.map(idsOf);
      const [first, second] = ids.at(-1)!;
      t.true(first !== null && second !== null && first !== second);
      for (const at of ids.slice(5)) t.deepEqual(at, [first, second]);
      const track = answers.at(-1)!.detections[0]!.track!;
      t.is(track.state, TrackState.TRACK_STATE_CONFIRMED);
      t.deepEqual([track.age, track.hits, track.framesSinceSeen], [FRAMES, FRAMES, 0]);
      t.not(track.predictedBox, undefined);
    }
  });
}

test('every stream counts from 1', async (t) => {
  const streams = await Promise.all(
    Array.from({ length: 3 }, () => all(serving.client.detect(video.slice(0, 8), { model: 'followed' }))),
  );
  for (const answers of streams) t.deepEqual(new Set(idsOf(answers.at(-1)!)), new Set([1, 2]));
});

test('a detector without a tracker tells no tracks', async (t) => {
  const answers = await all(serving.client.detect(video.slice(0, 6), { model: 'spots' }));
  t.true(
    answers.every(
      ({ detections, unseenTracks }) =>
        unseenTracks.length === 0 && detections.every(({ track }) => track === undefined),
    ),
  );
});

test('an object that is hidden is told as unseen, and found again under its id', async (t) => {
  const hidden = video.map((frame, index) =>
    index === 12 || index === 13 ? { ...frame, picture: spots(SIDE, SIDE, [[8 + 4 * index, 40, 250]]) } : frame,
  );
  const answers = await all(serving.client.detect(hidden, { model: 'followed' }));
  const [, id] = idsOf(answers[11]!);
  for (const index of [12, 13]) {
    const { unseenTracks } = answers[index]!;
    t.deepEqual(
      unseenTracks.map((track) => [track.id, track.framesSinceSeen]),
      [[id, index - 11]],
    );
    const { top, bottom } = unseenTracks[0]!.predictedBox!;
    t.true(Math.abs((top + bottom) / 2 - 82) < 6);
  }
  t.is(idsOf(answers[14]!)[1], id);
  t.deepEqual(answers[14]!.unseenTracks, []);
});

test('a frame from before the last one fails alone', async (t) => {
  const call = serving.wire.detect();
  const at = (index: number, milliseconds: number) =>
    detectFrame(picture(index), {
      frameId: String(index),
      captureTime: { seconds: 1_700_000_000, nanos: milliseconds * 1_000_000 },
    });
  call.send(
    detectOptions({ model: 'followed' }),
    ...Array.from({ length: 12 }, (_, index) => at(index, index === 6 ? 10 : 33 * index)),
  );
  t.is((await call.finish()).code, 0);
  t.deepEqual(
    call.answers.map(({ frame }) => frame?.error?.code),
    Array.from({ length: 12 }, (_, index) => (index === 6 ? 'INVALID_REQUEST' : undefined)),
  );
  t.regex(call.answers[6]!.frame!.error!.message, /captured/);
  t.deepEqual(call.answers[6]!.detections, []);
  t.deepEqual(idsOf(call.answers[11]!), idsOf(call.answers[5]!));
});

test('frames that fail or are dropped leave the tracks as they were', async (t) => {
  const broken = video.map((frame, index) =>
    index % 5 === 3 ? { ...frame, picture: Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]) } : frame,
  );
  const answers = await all(serving.client.detect(broken, { model: 'followed' }));
  t.true(answers.every(({ frame }, index) => (frame?.error === undefined) === (index % 5 !== 3)));
  t.deepEqual(idsOf(answers.at(-1)!), idsOf(answers[6]!));

  const settings = { model: 'followed', window: 1, framePolicy: FramePolicy.FRAME_POLICY_LATEST };
  const latest = await all(serving.client.detect([...video, ...video.slice(-1)], settings));
  t.is(latest.length, FRAMES + 1);
  const seen = latest.filter(({ frame }) => frame?.error === undefined);
  t.true(latest.every(({ frame }) => [undefined, 'FRAME_DROPPED'].includes(frame?.error?.code)));
  const ids = new Set(seen.flatMap(idsOf).filter((id) => id !== null));
  t.true(ids.size <= 4, `${[...ids].join()}`);
});

test('a stream keeps its tracks when its model is reloaded', async (t) => {
  const answers: DetectResponse[] = [];
  async function* frames() {
    yield* video.slice(0, 15);
    while (answers.length < 15) await new Promise((resolve) => setTimeout(resolve, 5));
    await addSpots(serving.repository, { tracker: BYTETRACK, max_batch_size: 2 }, 'reloaded');
    await operator.client.load('reloaded');
    yield* video.slice(15);
  }
  for await (const answer of serving.client.detect(frames(), { model: 'reloaded' })) answers.push(answer);
  t.true(answers.every(({ frame }) => frame?.error === undefined));
  t.deepEqual(idsOf(answers.at(-1)!), idsOf(answers[10]!));
  t.is(answers.at(-1)!.detections[0]!.track!.age, FRAMES);
});

test('a stream that pauses for longer than its idle time forgets its tracks', async (t) => {
  const answers: DetectResponse[] = [];
  async function* frames() {
    yield* video.slice(0, 6);
    await eventually('the first frames are answered', () => answers.length === 6);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    yield* video.slice(6, 12);
  }
  for await (const answer of serving.client.detect(frames(), { model: 'forgetful' })) answers.push(answer);
  const [before, after] = [idsOf(answers[5]!), idsOf(answers[11]!)];
  t.false([...before, ...after].includes(null));
  t.false(before.some((id) => after.includes(id)));
});

test('a tracker by looks is refused where nothing embeds', async (t) => {
  const error = await t.throwsAsync(operator.client.load('blind'));
  t.regex(error!.message, /wants features, and no stage embeds/);
});

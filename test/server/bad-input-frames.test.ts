import test, { type ExecutionContext } from 'ava';
import { status } from '@grpc/grpc-js';
import type { DetectRequest, EmbedRequest, FrameInfo } from '../../server/gen/sluice/v1/inference.js';
import {
  boxRegion,
  detectFrame,
  detectOptions,
  embedFrame,
  embedOptions,
  landmarksRegion,
} from '../support/messages.js';
import { plain } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { meansModel, spotsModel } from '../support/tiny-models.js';
import { GOOD_INPUT, GOOD_MODEL, unharmed } from '../support/unharmed.js';

/** Mistakes of one frame: it is answered with its own error at its place, and its stream goes on. */

const TEMPLATE = [
  [20, 24],
  [44, 24],
  [32, 36],
  [24, 48],
  [40, 48],
];

let serving: Serving;

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    const instances = { instance_group: { count: 1 } };
    await repository.addModel(
      GOOD_MODEL,
      { task: 'centerface', input: GOOD_INPUT, dynamic_batching: { priority_levels: 2 }, ...instances },
      spotsModel(64, 64),
    );
    const embedder = { task: 'embedding', input: GOOD_INPUT, postprocess: { normalize: false }, ...instances };
    await repository.addModel('means', embedder, meansModel(64, 64));
    const aligned = { ...embedder, preprocess: { alignment: TEMPLATE } };
    await repository.addModel('faces', aligned, meansModel(64, 64));
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

const picture = plain(40, 30, [10, 20, 30]);
type FrameFailure = NonNullable<FrameInfo['error']>;

/** The error of a frame of `Detect` between two good ones. */
async function detectError(t: ExecutionContext, bad: DetectRequest): Promise<FrameFailure> {
  const call = serving.wire.detect();
  call.send(detectOptions({ model: GOOD_MODEL }), detectFrame(picture), bad, detectFrame(picture));
  t.is((await call.finish()).code, status.OK);
  t.deepEqual(
    call.answers.map(({ frame }) => [frame?.index, frame?.error === undefined]),
    [
      [0, true],
      [1, false],
      [2, true],
    ],
  );
  const { frame, detections } = call.answers[1]!;
  t.deepEqual([frame?.frameId, detections], [bad.frame?.frameId ?? '', []]);
  return frame!.error!;
}

async function refuses(t: ExecutionContext, bad: DetectRequest, text: RegExp): Promise<void> {
  const error = await detectError(t, bad);
  t.deepEqual([error.code, error.status, error.retryable], ['INVALID_REQUEST', status.INVALID_ARGUMENT, false]);
  t.regex(error.message, text);
}

/** What becomes of regions of a good frame. */
async function regionsOf(t: ExecutionContext, regions: EmbedRequest['regions'], model = 'means') {
  const call = serving.wire.embed();
  call.send(embedOptions({ model }), embedFrame(picture, {}, regions), embedFrame(picture));
  t.is((await call.finish()).code, status.OK);
  t.is(call.answers.length, 2);
  t.is(call.answers[1]?.embeddings.length, 1, 'the next frame is answered');
  return call.answers[0]!;
}

test.serial("options on a later message are that frame's error", async (t) => {
  await unharmed(t, serving, async () => {
    const { options } = detectOptions({ model: GOOD_MODEL });
    await refuses(t, { ...detectFrame(picture, { frameId: 'again' }), options }, /first message only/);
    await refuses(t, { options, frame: undefined, regions: [] }, /first message only/);
    const call = serving.wire.embed();
    const again = { ...embedFrame(picture), ...embedOptions({ model: 'faces' }) };
    call.send(embedOptions({ model: 'means' }), { ...again, frame: embedFrame(picture).frame }, embedFrame(picture));
    t.is((await call.finish()).code, status.OK);
    t.deepEqual(
      call.answers.map(({ frame }) => frame?.error?.code),
      ['INVALID_REQUEST', undefined],
    );
  });
});

test.serial('a message without a frame, and a frame without a picture, are refused', async (t) => {
  await unharmed(t, serving, async () => {
    await refuses(t, { options: undefined, frame: undefined, regions: [] }, /no picture/);
    await refuses(t, detectFrame(picture, { content: undefined }), /no picture/);
  });
});

test.serial('a priority that the model does not have is refused, and its range told', async (t) => {
  await unharmed(t, serving, async () => {
    for (const priority of [3, 16, 2 ** 32 - 1]) {
      await refuses(t, detectFrame(picture, { priority }), /priority \d+ is not in 1 to 2/);
    }
  });
});

test.serial('a timeout that is not positive is refused', async (t) => {
  await unharmed(t, serving, async () => {
    for (const timeout of [
      { seconds: 0, nanos: 0 },
      { seconds: -1, nanos: 0 },
      { seconds: 0, nanos: -1 },
      { seconds: -5, nanos: 999_999_999 },
    ]) {
      await refuses(t, detectFrame(picture, { timeout }), /timeout must be positive/);
    }
  });
});

test.serial('the longest timeout that a message can carry is no mistake', async (t) => {
  const call = serving.wire.detect();
  const timeout = { seconds: 315_576_000_000, nanos: 999_999_999 };
  call.send(detectOptions({ model: GOOD_MODEL }), detectFrame(picture, { timeout }));
  t.is((await call.finish()).code, status.OK);
  t.is(call.answers[0]?.frame?.error, undefined);
});

test.serial('a frame id of more than 256 bytes is refused', async (t) => {
  await unharmed(t, serving, async () => {
    await refuses(t, detectFrame(picture, { frameId: 'x'.repeat(257) }), /frame_id is longer than 256 bytes/);
    await refuses(t, detectFrame(picture, { frameId: '☂'.repeat(86) }), /256 bytes/);
  });
});

const BAD_BOXES: readonly (readonly [string, readonly [number, number, number, number]])[] = [
  ['right of the picture', [40, 0, 60, 30]],
  ['left of the picture', [-20, 0, 0, 30]],
  ['above the picture', [0, -10, 40, 0]],
  ['below the picture', [0, 30, 40, 60]],
  ['without width', [10, 10, 10, 20]],
  ['without height', [10, 10, 20, 10]],
  ['inside out', [20, 20, 10, 10]],
  ['of NaN', [NaN, NaN, NaN, NaN]],
  ['with one NaN', [0, 0, NaN, 30]],
  ['with an infinite edge', [0, 0, Infinity, 30]],
  ['infinite all around', [-Infinity, -Infinity, Infinity, Infinity]],
  ['infinitely far away', [Infinity, Infinity, Infinity, Infinity]],
];

for (const [what, box] of BAD_BOXES) {
  test.serial(`a box ${what} fails alone, and the other regions are embedded`, async (t) => {
    await unharmed(t, serving, async () => {
      const whole = boxRegion(0, 0, 40, 30);
      const { frame, embeddings } = await regionsOf(t, [whole, boxRegion(...box), whole]);
      t.is(frame?.error, undefined);
      t.deepEqual(
        embeddings.map(({ error, values }) => [error?.code, error?.status, values.length]),
        [
          [undefined, undefined, 3],
          ['BAD_REGION', status.INVALID_ARGUMENT, 0],
          [undefined, undefined, 3],
        ],
      );
    });
  });
}

test.serial('a frame whose only region is bad has that error and no embedding', async (t) => {
  await unharmed(t, serving, async () => {
    const { frame, embeddings } = await regionsOf(t, [boxRegion(100, 100, 110, 110)]);
    t.is(frame?.error, undefined);
    t.deepEqual([embeddings.length, embeddings[0]?.error?.code], [1, 'BAD_REGION']);
    t.regex(embeddings[0]!.error!.message, /outside the picture of 40x30/);
  });
});

const GOOD_POINTS = [10, 10, 25, 10, 17, 16, 12, 22, 23, 22];

test.serial('landmarks without an alignment template are refused, and say what to do', async (t) => {
  await unharmed(t, serving, async () => {
    const { embeddings } = await regionsOf(t, [landmarksRegion(GOOD_POINTS), boxRegion(0, 0, 40, 30)]);
    t.deepEqual(
      embeddings.map(({ error }) => [error?.code, error?.status]),
      [
        ['TASK_NOT_SUPPORTED', status.UNIMPLEMENTED],
        [undefined, undefined],
      ],
    );
    t.regex(embeddings[0]!.error!.message, /preprocess\.alignment/);
  });
});

test.serial('landmarks that determine no alignment fail alone', async (t) => {
  const cases: readonly (readonly number[])[] = [
    Array<number>(10).fill(15),
    GOOD_POINTS.map((value, index) => (index === 4 ? NaN : value)),
    GOOD_POINTS.map((value, index) => (index === 5 ? Infinity : value)),
    GOOD_POINTS.map((value, index) => (index === 0 ? -Infinity : value)),
    Array<number>(10).fill(NaN),
    GOOD_POINTS.map((value) => value + 500),
    GOOD_POINTS.map((value) => value - 500),
    GOOD_POINTS.map((value) => value * 1e37),
  ];
  await unharmed(t, serving, async () => {
    for (const points of cases) {
      const regions = [landmarksRegion(GOOD_POINTS), landmarksRegion(points), landmarksRegion(GOOD_POINTS)];
      const { embeddings } = await regionsOf(t, regions, 'faces');
      const codes = embeddings.map(({ error }) => error?.code);
      t.deepEqual(codes, [undefined, 'BAD_REGION', undefined], points.join(' '));
    }
  });
});

test.serial('a region without a shape, or without one of its points, fails its frame', async (t) => {
  await unharmed(t, serving, async () => {
    const { shape } = landmarksRegion(GOOD_POINTS);
    if (shape?.$case !== 'landmarks') throw new Error('no landmarks');
    const noseless = { shape: { ...shape, landmarks: { ...shape.landmarks, nose: undefined } } };
    for (const [region, text] of [
      [{ shape: undefined }, /regions\[1\] has neither a box nor landmarks/],
      [noseless, /regions\[1\]\.landmarks lacks/],
    ] as const) {
      const { frame, embeddings } = await regionsOf(t, [boxRegion(0, 0, 9, 9), region], 'faces');
      t.deepEqual([frame?.error?.code, embeddings], ['INVALID_REQUEST', []]);
      t.regex(frame!.error!.message, text);
    }
  });
});

test.serial('more regions than a frame may have are refused', async (t) => {
  await unharmed(t, serving, async () => {
    const most = await regionsOf(
      t,
      Array.from({ length: 1024 }, () => boxRegion(0, 0, 9, 9)),
    );
    t.deepEqual([most.frame?.error, most.embeddings.length], [undefined, 1024]);
    const { frame } = await regionsOf(
      t,
      Array.from({ length: 1025 }, () => boxRegion(0, 0, 9, 9)),
    );
    t.is(frame?.error?.code, 'INVALID_REQUEST');
    t.regex(frame!.error!.message, /1025 regions are more than 1024/);
  });
});

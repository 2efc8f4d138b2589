import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { all, classifyOne, detectOne, embedOne } from '../support/ask.js';
import { statusOf, tryPicture } from '../support/http-ask.js';
import { encode, grey } from '../support/pictures.js';
import { Random } from '../support/random.js';
import { Serving } from '../support/serving.js';
import { plug, serveSlow } from '../support/slow-serving.js';
import { meansModel } from '../support/tiny-models.js';
import { TRAINED_MODELS } from '../support/trained-models.js';

/** `POST /v1/models/NAME/try`, held against the same question over gRPC. */

const SCENE = await readFile(join('model-repo', 'shapes', 'example.png'));

const MODELS = [
  'yolov8',
  'yolov8_seg',
  'yolov8_pose',
  'yolov8_obb',
  'unet',
  'classification',
  'arcface',
  'text_embedding',
];

let serving: Serving;

test.before(async () => {
  const copy = (name: string, directory: string) =>
    cp(join(TRAINED_MODELS, name), join(directory, name), { recursive: true });
  serving = await Serving.start(
    async (repository) => {
      await Promise.all(MODELS.map((name) => copy(name, repository.directory)));
      await repository.addModel('raw', { task: 'tensors' }, meansModel(8, 8));
    },
    ['--max-message-bytes', '200000'],
  );
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

for (const model of ['yolov8', 'yolov8_obb']) {
  test(`the detections are those of Detect: ${model}`, async (t) => {
    const { status, body } = await tryPicture(serving, model, SCENE);
    const { detections, frame } = await detectOne(serving.client, { picture: SCENE }, { model });
    t.is(status, 200);
    t.true(detections.length > 3);
    t.deepEqual(body.detections, JSON.parse(JSON.stringify(detections)));
    t.like(body.frame, { modelName: model, modelVersion: '1', width: frame?.width, height: frame?.height });
    t.true(body.frame.timings.totalUs > 0);
    // Pictures of other tests may share the batch.
    t.true(body.frame.timings.batchSize >= 1);
  });
}

test('masks are told by their run lengths', async (t) => {
  const { body } = await tryPicture(serving, 'yolov8_seg', SCENE);
  const { detections } = await detectOne(serving.client, { picture: SCENE }, { model: 'yolov8_seg' });
  t.true(detections.length > 3);
  detections.forEach(({ mask }, place) => {
    const counts = mask?.data?.$case === 'runLengths' ? mask.data.runLengths.counts : [];
    t.true(counts.length > 10);
    t.deepEqual(body.detections[place].mask, { width: mask?.width, height: mask?.height, runLengths: { counts } });
  });
});

test('the vector is that of Embed, the classes those of Classify', async (t) => {
  const vector = await tryPicture(serving, 'arcface', SCENE);
  const { embeddings } = await embedOne(serving.client, { picture: SCENE }, { model: 'arcface' });
  t.deepEqual(vector.body.embeddings, JSON.parse(JSON.stringify(embeddings)));
  const classes = await tryPicture(serving, 'classification', SCENE, { query: 'top_k=3' });
  const { classifications } = await classifyOne(
    serving.client,
    { picture: SCENE },
    { model: 'classification', topK: 3 },
  );
  t.is(classes.body.classifications[0].classes.length, 3);
  t.deepEqual(classes.body.classifications, JSON.parse(JSON.stringify(classifications)));
});

test('the maps are those of Segment, in base64', async (t) => {
  const { body } = await tryPicture(serving, 'unet', SCENE, { query: 'probability_map=true' });
  const [answer] = await all(serving.client.segment([{ picture: SCENE }], { model: 'unet', probabilityMap: true }));
  t.deepEqual(Buffer.from(body.classMap, 'base64'), Buffer.from(answer!.classMap));
  t.deepEqual(Buffer.from(body.probabilityMap, 'base64'), Buffer.from(answer!.probabilityMap));
  t.deepEqual(body.classes, answer!.classes);
  t.is((await tryPicture(serving, 'unet', SCENE)).body.probabilityMap, '');
});

test('options are those of the call', async (t) => {
  const of = async (query: string) => (await tryPicture(serving, 'yolov8', SCENE, { query })).body.detections;
  const everything = await of('');
  const sure = await of('score_threshold=0.9');
  t.true(sure.length > 0 && sure.length < everything.length);
  t.true(sure.every(({ score }: { score: number }) => score > 0.9));
  t.is((await of('max_detections=2')).length, 2);
  const [{ classId }] = everything;
  const chosen = await of(`class_ids=${classId},250`);
  t.true(chosen.length > 0 && chosen.every((found: { classId: number }) => found.classId === classId));
});

const REFUSALS: readonly [
  what: string,
  model: string,
  options: Parameters<typeof tryPicture>[3],
  status: number,
  code: string,
  message: RegExp,
][] = [
  ['an unknown model', 'cat', {}, 404, 'MODEL_NOT_FOUND', /no model "cat"/],
  ['an unknown version', 'yolov8', { version: '7' }, 404, 'VERSION_NOT_FOUND', /version 7/],
  ['a version that is no number', 'yolov8', { version: 'x' }, 400, 'INVALID_REQUEST', /version "x"/],
  ['an unknown option', 'yolov8', { query: 'top_k=3' }, 400, 'INVALID_REQUEST', /"top_k" is none of score_threshold/],
  ['a value that is none', 'yolov8', { query: 'score_threshold=big' }, 400, 'INVALID_REQUEST', /cannot be "big"/],
  ['a value out of range', 'yolov8', { query: 'score_threshold=2' }, 400, 'INVALID_REQUEST', /between 0 and 1/],
  ['a priority that is none', 'yolov8', { query: 'priority=9' }, 400, 'INVALID_REQUEST', /priority/],
  ['no time', 'yolov8', { query: 'timeout_ms=0' }, 400, 'INVALID_REQUEST', /timeout must be positive/],
  ['a prototype for an option', 'yolov8', { query: '__proto__=1' }, 400, 'INVALID_REQUEST', /none of/],
  ['another kind of body', 'yolov8', { type: 'text/plain' }, 400, 'INVALID_REQUEST', /content-type/],
  ['a model of tensors', 'raw', {}, 501, 'TASK_NOT_SUPPORTED', /takes tensors/],
  ['a model that reads', 'text_embedding', {}, 400, 'INVALID_REQUEST', /takes texts/],
];

for (const [what, model, options, status, code, message] of REFUSALS) {
  test(`${what} is refused with a status, the code and what to change`, async (t) => {
    const answer = await tryPicture(serving, model, SCENE, options);
    t.like(answer, { status, body: { code, retryable: false } });
    t.regex(answer.body.error, message);
  });
}

test('what is no picture, an empty one and one that is cut short are BAD_IMAGE', async (t) => {
  const bodies = [Buffer.from('hello'), new Uint8Array(0), SCENE.subarray(0, 2000)];
  for (const bytes of bodies) {
    const { status, body } = await tryPicture(serving, 'yolov8', bytes);
    t.is(status, 400);
    t.is(body.code, 'BAD_IMAGE', body.error);
  }
});

test('a picture over --max-message-bytes is refused, one below is not', async (t) => {
  const large = await tryPicture(serving, 'yolov8', new Uint8Array(200_001));
  t.like(large, { status: 413, body: { code: 'MESSAGE_TOO_LARGE' } });
  t.regex(large.body.error, /200000.*--max-message-bytes/);
  t.is((await tryPicture(serving, 'yolov8', new Uint8Array(200_000))).body.code, 'BAD_IMAGE');
});

test('a picture that comes in several buffers is whole', async (t) => {
  const pixels = grey(0, 192);
  const random = new Random(1);
  const noise = await encode({ ...pixels, data: pixels.data.map(() => random.int(0, 255)) }, 'png');
  t.true(noise.length > 2 ** 16);
  const { status, body } = await tryPicture(serving, 'yolov8', noise);
  t.is(status, 200);
  t.is(body.frame.width, 192);
});

test('the figures of /v1/status are those of /metrics', async (t) => {
  await tryPicture(serving, 'yolov8_pose', SCENE);
  await tryPicture(serving, 'yolov8_pose', Buffer.from('no picture'));
  const { models, errors, duration_bounds: bounds } = await statusOf(serving);
  const { name, task, call, input, versions } = models.find((model) => model.name === 'yolov8_pose')!;
  t.like({ name, task, call, input }, { name: 'yolov8_pose', task: 'yolov8_pose', call: 'detect', input: 'picture' });
  t.like(versions[0], { version: 1, state: 'READY', reason: null, requests: 2, failures: 1, dropped: 0 });
  t.deepEqual(versions[0]!.devices, ['CPU']);
  t.deepEqual(versions[0]!.instances, { idle: 1, busy: 0 });
  t.is(versions[0]!.durations.length, bounds.length + 1);
  t.is(versions[0]!.durations.at(-1), 1);
  t.is(await serving.metrics.value('sluice_requests_total', { model: 'yolov8_pose' }), 2);
  const error = errors.find(({ model }) => model === 'yolov8_pose');
  t.like(error, { code: 'BAD_IMAGE', version: 1, count: 1 });
  t.regex(error!.message, /not a JPEG, PNG or WebP/);
  t.deepEqual(
    models.map((model) => model.name),
    [...MODELS, 'raw'].sort(),
  );
});

test.serial('a client that goes away takes its picture out of the queue', async (t) => {
  await using slow = await serveSlow({ slow: {} });
  const call = await plug(slow, 'slow');
  const gone = new AbortController();
  const picture = await encode(grey(1, 32), 'png');
  const asked = tryPicture(slow, 'slow', picture, { signal: gone.signal });
  await slow.metrics.untilQueued('slow', 1);
  gone.abort();
  await t.throwsAsync(asked, { any: true });
  await slow.metrics.untilQueued('slow', 0);
  t.is(await slow.metrics.failed('slow', 'CANCELLED'), 1);
  t.is(await slow.metrics.busy('slow'), 1, 'the other one still runs');
  t.deepEqual((await statusOf(slow)).errors, []);
  call.cancel();
});

test.serial('a picture waits no longer than it says, and a queue that is full says so', async (t) => {
  await using slow = await serveSlow({ slow: { dynamic_batching: { default_queue_policy: { max_queue_size: 1 } } } });
  const call = await plug(slow, 'slow');
  const picture = await encode(grey(1, 32), 'png');
  const late = tryPicture(slow, 'slow', picture, { query: 'timeout_ms=300' });
  await slow.metrics.untilQueued('slow', 1);
  t.like(await tryPicture(slow, 'slow', picture), { status: 429, body: { code: 'QUEUE_FULL', retryable: true } });
  t.like(await late, { status: 504, body: { code: 'DEADLINE_EXCEEDED' } });
  call.cancel();
});

test.serial('no more pictures are read at a time than a few', async (t) => {
  await using slow = await serveSlow({ slow: {} });
  const call = await plug(slow, 'slow');
  const gone = new AbortController();
  const picture = await encode(grey(1, 32), 'png');
  const waiting = Array.from({ length: 16 }, () => tryPicture(slow, 'slow', picture, { signal: gone.signal }));
  await slow.metrics.untilQueued('slow', 16);
  const refused = await tryPicture(slow, 'slow', picture);
  t.like(refused, { status: 429, body: { code: 'QUEUE_FULL' } });
  t.regex(refused.body.error, /over gRPC/);
  gone.abort();
  await Promise.allSettled(waiting);
  await slow.metrics.untilQueued('slow', 0);
  t.is((await tryPicture(slow, 'slow', Buffer.from('none'))).body.code, 'BAD_IMAGE', 'there is room again');
  call.cancel();
});

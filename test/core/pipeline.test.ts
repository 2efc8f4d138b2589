import test, { type ExecutionContext } from 'ava';
import { ServingError } from '../../server/core/errors.js';
import { regionsOf, type InferenceRequest, type InferenceResult } from '../../server/core/inference.js';
import type { StageConfig } from '../../server/core/pipeline/pipeline-config.js';
import { PipelineExecutor } from '../../server/core/pipeline/pipeline-executor.js';
import { settle } from '../support/batcher-bench.js';
import { closeTo } from '../support/close-to.js';
import type { FakeBatch } from '../support/fake-executor.js';
import { detected, FACES, FakePicture, FakeStages, POSES, vectors } from '../support/fake-stages.js';
import { makeRequest } from '../support/requests.js';

/** One frame after the other through stages whose models the test plays. */

const FIND: StageConfig = { name: 'find', model: 'finder' };
const EMBED: StageConfig = { name: 'embed', model: 'embedder', input: 'find' };
const POSE: StageConfig = { name: 'pose', model: 'poser', input: 'find' };
const FALL: StageConfig = { name: 'fall', model: 'falls', input: 'pose' };

const ROWS = [
  [10, 10, 30, 40, 0.9, 0],
  [50, 20, 60, 28, 0.8, 1],
  [0, 50, 20, 70, 0.7, 0],
];

class Bench {
  readonly stages = new FakeStages();
  readonly executor: PipelineExecutor;
  readonly picture = new FakePicture();

  constructor(stages: readonly StageConfig[], finder: object = {}) {
    this.stages.add('finder', { postprocess: { score_threshold: 0.25 }, ...finder }, FACES);
    this.stages.add('embedder', { task: 'embedding' });
    this.executor = new PipelineExecutor(
      { stages: [...stages], max_inflight_requests: 4 },
      this.stages,
      this.stages.clock,
      FACES,
    );
  }

  /** Begins a frame without waiting for it. */
  begin(request: Partial<InferenceRequest> = {}) {
    const parameters = { ...makeRequest(0).parameters, asked: {} };
    const frame = { ...makeRequest(this.stages.clock.now()), parameters, ...request } as InferenceRequest;
    const run = this.executor.execute([frame]);
    return { run, result: run.then(({ results }) => results[0]!) };
  }

  /** The batch that a model is at. */
  at(model: string): FakeBatch {
    const [batch, ...others] = this.stages.executors.get(model)!.running;
    if (batch === undefined || others.length > 0) throw new Error(`${model} is not at one batch`);
    return batch;
  }

  /** Ends the first stage well. */
  async found(rows: readonly (readonly number[])[] = ROWS): Promise<void> {
    await settle();
    this.at('finder').finish([detected(rows, FACES, this.picture)]);
    await settle();
  }
}

function stagesOf(t: ExecutionContext, { outcome, stages }: InferenceResult) {
  t.false(outcome instanceof ServingError);
  return new Map(stages!.map((stage) => [stage.name, stage]));
}

test('the detections of a frame are one request of the next stage, on the picture that the first has kept', async (t) => {
  const bench = new Bench([FIND, EMBED]);
  const { result } = bench.begin();
  await settle();
  t.is(bench.at('finder').requests[0]!.keep, 'any');
  await bench.found();
  const [request, ...others] = bench.at('embedder').requests;
  t.is(others.length, 0);
  t.is(request!.rows, 3);
  t.is(request!.content, bench.picture.picture);
  t.deepEqual(
    regionsOf(request!.parameters),
    ROWS.map(([left, top, right, bottom]) => ({ kind: 'box', left, top, right, bottom }) as never),
  );
  t.is(bench.picture.released, 0, 'it is still looked at');
  bench.at('embedder').finish([vectors([[1], [2], [3]])]);
  const stages = stagesOf(t, await result);
  t.is(bench.picture.released, 1);
  t.deepEqual(stages.get('embed')!.findings!.rows, [0, 1, 2]);
  t.deepEqual([stages.get('find')!.version, stages.get('embed')!.version], [3, 3]);
});

test('a row that fails keeps its neighbours, a stage that fails keeps the detections', async (t) => {
  const bench = new Bench([FIND, EMBED]);
  const one = bench.begin();
  await bench.found();
  const bad = new ServingError('BAD_REGION', 'it is empty');
  bench.at('embedder').finish([vectors([[1], bad, [3]])]);
  const { findings, error } = stagesOf(t, await one.result).get('embed')!;
  t.is(error, null);
  t.deepEqual(findings!.table.rowErrors, [null, bad, null]);

  const other = bench.begin();
  await bench.found();
  bench.at('embedder').fail(new ServingError('INSTANCE_LOST', 'the instance died'));
  const result = await other.result;
  const failed = stagesOf(t, result).get('embed')!;
  t.deepEqual([failed.error?.code, failed.findings, failed.regions], ['INSTANCE_LOST', null, 3]);
  t.is((result.outcome as { rows: number }).rows, 3);
  t.is(bench.picture.released, 2, 'once for each frame');
});

test('what the first stage fails with is what the frame fails with', async (t) => {
  const bench = new Bench([FIND, EMBED]);
  const { result } = bench.begin();
  await settle();
  bench.at('finder').finish([{ width: 0, height: 0, outcome: new ServingError('BAD_IMAGE', 'it is torn') }]);
  const { outcome, stages } = await result;
  t.deepEqual([(outcome as ServingError).code, stages], ['BAD_IMAGE', undefined]);
  bench.stages.remove('finder');
  const { outcome: gone } = await bench.begin().result;
  t.is((gone as ServingError).code, 'MODEL_NOT_FOUND');
});

test('a picture that the request asks for is handed on instead of released', async (t) => {
  const bench = new Bench([FIND, EMBED]);
  const { result } = bench.begin({ keep: 'rgb' });
  await settle();
  t.is(bench.at('finder').requests[0]!.keep, 'rgb');
  await bench.found();
  bench.at('embedder').finish([vectors([[1], [2], [3]])]);
  t.is((await result).picture, bench.picture);
  t.is(bench.picture.released, 0);
});

test('a pipeline of one stage keeps no picture', async (t) => {
  const bench = new Bench([FIND]);
  const { result } = bench.begin();
  await settle();
  t.is(bench.at('finder').requests[0]!.keep, undefined);
  bench.at('finder').finish([detected(ROWS, FACES)]);
  t.deepEqual([...stagesOf(t, await result).keys()], ['find']);
});

test('stages choose by class, score, size and number, and point at the detections that they chose', async (t) => {
  const choose = async (keys: Partial<StageConfig>): Promise<readonly number[] | undefined> => {
    const bench = new Bench([FIND, { ...EMBED, ...keys }]);
    const { result } = bench.begin();
    await bench.found();
    const running = bench.stages.executors.get('embedder')!.running[0];
    running?.finish([vectors(Array.from({ length: running.requests[0]!.rows }, (_, row) => [row]))]);
    return stagesOf(t, await result).get('embed')!.findings?.rows;
  };
  t.deepEqual(await choose({ class_ids: [0] }), [0, -1, 1]);
  t.deepEqual(await choose({ min_score: 0.75 }), [0, 1, -1]);
  t.deepEqual(await choose({ min_size: 9 }), [0, -1, 1]);
  t.deepEqual(await choose({ max_regions: 1 }), [0, -1, -1]);
  t.deepEqual(await choose({ class_ids: [7] }), undefined);
});

test('deadlines, priorities and the end of the stream are passed on', async (t) => {
  const bench = new Bench([FIND, EMBED], {
    dynamic_batching: { priority_levels: 3, default_queue_policy: { default_timeout_microseconds: 500 } },
  });
  const now = bench.stages.clock.now();
  const leaving = new AbortController();
  const { result } = bench.begin({ deadlineAt: now + 10_000, priority: 2, signal: leaving.signal });
  await settle();
  const [first] = bench.at('finder').requests;
  t.deepEqual([first!.deadlineAt, first!.priority], [now + 500, 2]);
  const embedder = bench.stages.executors.get('embedder')!;
  for (let instance = 0; instance < 8; instance++) embedder.lose();
  await bench.found();
  t.is(embedder.running.length, 0, 'it waits for an instance');
  leaving.abort(new ServingError('CANCELLED', 'the client went away'));
  const { error, timings } = stagesOf(t, await result).get('embed')!;
  t.is(error?.code, 'CANCELLED');
  t.is(timings?.batchSize, 0);
  t.is(bench.picture.released, 1);
});

test('a frame that expires between two stages fails the second', async (t) => {
  const bench = new Bench([FIND, EMBED]);
  const { result } = bench.begin({ deadlineAt: bench.stages.clock.now() + 1000 });
  await settle();
  bench.stages.clock.advance(2000);
  await bench.found();
  t.is(stagesOf(t, await result).get('embed')!.error?.code, 'DEADLINE_EXCEEDED');
});

test('the phases of a frame are those of its stages together, and each in flight is an instance', async (t) => {
  const bench = new Bench([FIND, EMBED]);
  t.deepEqual([bench.executor.instances, bench.executor.idle], [4, 4]);
  const { run } = bench.begin();
  await settle();
  t.is(bench.executor.idle, 3);
  await bench.found();
  bench.at('embedder').finish([vectors([[1], [2], [3]])]);
  t.deepEqual((await run).phases, { decode: 20, preprocess: 40, infer: 60, postprocess: 80 });
  t.is(bench.executor.idle, 4);
});

test('key points of a pose reach the model of falls in units of the person', async (t) => {
  const bench = new Bench([FIND, POSE, FALL]);
  // No task of one object at a time is needed to play one.
  bench.stages.add('poser', { task: 'embedding' });
  bench.stages.add('falls', { task: 'fall', input: undefined });
  const { result } = bench.begin();
  await bench.found([ROWS[0]!, ROWS[2]!]);
  const point = (left: number, top: number) => [left + 5, top + 15, 0.5];
  const pose = (row: readonly number[]) => [
    ...row,
    ...Array.from({ length: 16 }, () => point(row[0]!, row[1]!)).flat(),
  ];
  bench.at('poser').finish([detected([pose(ROWS[0]!), pose(ROWS[2]!)], POSES)]);
  await settle();
  const [request] = bench.at('falls').requests;
  t.is(request!.rows, 2);
  const { content } = request!;
  if (content.kind !== 'points') throw new Error(`it was given ${content.kind}`);
  // Boxes of 20x30 and 20x20: offsets of (5, 15) over the longer side, less a half.
  closeTo(t, Array.from(content.values.slice(0, 3)), [5 / 30 - 0.5, 0, 0.5], 1e-6);
  closeTo(t, Array.from(content.values.slice(48, 51)), [5 / 20 - 0.5, 15 / 20 - 0.5, 0.5], 1e-6);
  bench.at('falls').finish([
    vectors([
      [0.7, 0.2, 0.1],
      [0.1, 0.8, 0.1],
    ]),
  ]);
  const falls = stagesOf(t, await result).get('fall')!;
  t.deepEqual(
    [falls.labels, falls.findings!.rows],
    [
      ['fall', 'stand', 'uncertain'],
      [0, 1],
    ],
  );
});

test('a stage whose input failed says so, and one whose model has changed its task too', async (t) => {
  const bench = new Bench([FIND, POSE, FALL]);
  bench.stages.add('falls', { task: 'fall', input: undefined });
  const { result } = bench.begin();
  await bench.found();
  const stages = stagesOf(t, await result);
  t.is(stages.get('pose')!.error?.code, 'MODEL_NOT_FOUND');
  t.is(stages.get('fall')!.error?.code, 'MODEL_NOT_FOUND');
  t.regex(stages.get('fall')!.error!.message, /stage pose/);
  const changed = new Bench([FIND, EMBED]);
  changed.stages.add('embedder', {});
  const frame = changed.begin();
  await changed.found();
  const { error } = stagesOf(t, await frame.result).get('embed')!;
  t.is(error?.code, 'MODEL_INVALID');
  t.regex(error!.message, /looks at whole pictures/);
});

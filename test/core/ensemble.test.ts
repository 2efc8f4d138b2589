import test from 'ava';
import { EnsembleExecutor } from '../../server/core/ensemble/ensemble-executor.js';
import type { EnsembleConfig, StepConfig } from '../../server/core/ensemble/ensemble-config.js';
import { ServingError } from '../../server/core/errors.js';
import { settle } from '../support/batcher-bench.js';
import { answer, FakeNetworks, given, signature } from '../support/fake-networks.js';
import { floats, tensor, tensorRequest, tensorsOf } from '../support/tensors.js';

/** Requests on their way through steps whose models the test plays. */

function step(model: string, inputs: Record<string, string>, outputs: Record<string, string>): StepConfig {
  return { model_name: model, model_version: -1, input_map: inputs, output_map: outputs };
}

/** left and right look at what first makes; last joins them. */
const DIAMOND = [
  step('last', { A: 'l', B: 'r' }, { OUT: 'y' }),
  step('left', { IN: 'm' }, { OUT: 'l' }),
  step('right', { IN: 'm' }, { OUT: 'r' }),
  step('first', { IN: 'x' }, { OUT: 'm' }),
];

const ONE = { IN: [-1, 2] };

class Bench {
  readonly networks = new FakeNetworks();
  readonly executor: EnsembleExecutor;

  constructor(steps: readonly StepConfig[], { max_inflight_requests: most = 0 }: Partial<EnsembleConfig> = {}) {
    for (const name of ['first', 'left', 'right']) {
      this.networks.add(name, signature(ONE, { OUT: [-1, 2] }), { dynamic_batching: { priority_levels: 3 } });
    }
    this.networks.add('last', signature({ A: [-1, 2], B: [-1, 2] }, { OUT: [-1, 2] }));
    this.executor = new EnsembleExecutor(
      {
        config: { step: [...steps], max_inflight_requests: most },
        models: this.networks,
        clock: this.networks.clock,
        defaultPriority: 16,
      },
      signature({ x: [-1, 2] }, { y: [-1, 2], m: [-1, 2] }),
    );
  }

  begin(values = [1, 2], options: object = {}, outputs: readonly string[] | null = ['y']) {
    const x = tensor('x', 'FP32', [1, 2], Float32Array.from(values));
    const request = { ...tensorRequest([x], 1, outputs), priority: 16, ...options };
    return this.executor.execute([request]).then(({ results }) => results[0]!);
  }

  /** Lets a model answer what it was given, changed by `change`. */
  async finish(name: string, change: (value: number) => number = (value) => value): Promise<void> {
    await settle();
    const batch = this.networks.at(name);
    batch.finish(
      batch.requests.map((request) => {
        const [first] = Object.values(given(request));
        return answer({ ...first!, name: 'OUT', data: bytes(floats(first!).map(change)) });
      }),
    );
    await settle();
  }
}

function bytes(values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

async function failure(result: Promise<{ outcome: unknown }>): Promise<ServingError> {
  const { outcome } = await result;
  if (outcome instanceof ServingError) return outcome;
  throw new Error('the request did not fail');
}

test('steps start as soon as their tensors are there, in whatever order they are written', async (t) => {
  const bench = new Bench(DIAMOND);
  const result = bench.begin();
  await settle();
  t.deepEqual(bench.networks.busy(), ['first']);
  await bench.finish('first', (value) => value * 10);
  t.deepEqual(bench.networks.busy(), ['left', 'right']);
  t.deepEqual(floats(given(bench.networks.at('right').requests[0]!)['IN']!), [10, 20]);
  await bench.finish('left', (value) => value + 1);
  t.deepEqual(bench.networks.busy(), ['right']);
  await bench.finish('right', (value) => value + 2);
  const { A, B } = given(bench.networks.at('last').requests[0]!);
  t.deepEqual(
    [floats(A!), floats(B!)],
    [
      [11, 21],
      [12, 22],
    ],
  );
  await bench.finish('last', (value) => -value);
  const { y } = tensorsOf(await result);
  t.deepEqual(floats(y!), [-11, -21]);
});

test('only the steps run that what was asked for needs', async (t) => {
  const bench = new Bench(DIAMOND);
  const result = bench.begin([3, 4], {}, ['m']);
  await bench.finish('first');
  t.deepEqual(bench.networks.busy(), []);
  t.deepEqual(Object.keys(tensorsOf(await result)), ['m']);
});

test('a request that names no outputs gets all, in the order of the declaration', async (t) => {
  const bench = new Bench(DIAMOND);
  const result = bench.begin([1, 2], {}, null);
  for (const name of ['first', 'left', 'right', 'last']) await bench.finish(name);
  t.deepEqual(Object.keys(tensorsOf(await result)), ['y', 'm']);
});

test('what several look at is not taken away by the first of them', async (t) => {
  const bench = new Bench(DIAMOND);
  const result = bench.begin([1, 2], {}, ['y', 'm']);
  await bench.finish('first');
  // As a thread does that a buffer is moved to.
  for (const name of ['left', 'right']) {
    const { IN } = given(bench.networks.at(name).requests[0]!);
    t.deepEqual(floats(IN!), [1, 2]);
    const { buffer } = IN!.data;
    await bench.finish(name);
    structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
  }
  await bench.finish('last');
  t.deepEqual(floats(tensorsOf(await result)['m']!), [1, 2]);
});

test('a buffer that holds what other requests look at is never handed on', async (t) => {
  const bench = new Bench(DIAMOND);
  void bench.begin([1, 2]);
  await settle();
  const batch = new Float32Array([5, 6, 7, 8]);
  const own = new Uint8Array(batch.buffer, 8);
  bench.networks.at('first').finish([answer({ name: 'OUT', datatype: 'FP32', shape: [1, 2], data: own })]);
  await settle();
  for (const name of ['left', 'right']) {
    const { IN } = given(bench.networks.at(name).requests[0]!);
    t.deepEqual(floats(IN!), [7, 8]);
    t.not(IN!.data.buffer, batch.buffer);
  }
});

test('what only one looks at is handed on as it is', async (t) => {
  const bench = new Bench([step('first', { IN: 'x' }, { OUT: 'm' }), step('left', { IN: 'm' }, { OUT: 'y' })]);
  void bench.begin();
  await settle();
  const data = bytes([5, 6]);
  bench.networks.at('first').finish([answer({ name: 'OUT', datatype: 'FP32', shape: [1, 2], data })]);
  await settle();
  t.is(given(bench.networks.at('left').requests[0]!)['IN']!.data, data);
});

test('a step that fails fails the request with its name, and ends what waits', async (t) => {
  const bench = new Bench(DIAMOND);
  const result = bench.begin();
  await bench.finish('first');
  bench.networks
    .at('left')
    .finish([{ width: 0, height: 0, outcome: new ServingError('INVALID_REQUEST', 'the values are odd') }]);
  await settle();
  await bench.finish('right');
  t.deepEqual(bench.networks.busy(), []);
  const { code, message } = await failure(result);
  t.deepEqual([code, message], ['INVALID_REQUEST', 'step 2 (model left): the values are odd']);
});

test('a model whose tensors have changed since the load refuses what does not fit it', async (t) => {
  const bench = new Bench(DIAMOND);
  const result = bench.begin();
  bench.networks.add('left', signature({ IN: [-1, 5] }, { OUT: [-1, 2] }));
  await bench.finish('first');
  const { code, message } = await failure(result);
  t.is(code, 'INVALID_REQUEST');
  t.regex(message, /^step 2 \(model left\): tensor "IN" has the shape \[1, 2\]; the model takes FP32 \[-1, 5\]/);
});

test('requests that are not wanted any more leave the queues of the steps', async (t) => {
  const bench = new Bench(DIAMOND);
  bench.networks.add('first', signature(ONE, { OUT: [-1, 2] }), {}, 0);
  const stop = new AbortController();
  const result = bench.begin([1, 2], { signal: stop.signal });
  await settle();
  stop.abort(new ServingError('CANCELLED', 'the client went away'));
  t.deepEqual(await failure(result).then(({ code, message }) => [code, message]), [
    'CANCELLED',
    'the client went away',
  ]);
  t.is(bench.executor.idle, bench.executor.instances);
});

test('deadline and priority go along; who names no priority has the default of each model', async (t) => {
  const bench = new Bench(DIAMOND);
  const { clock } = bench.networks;
  void bench.begin([1, 2], { deadlineAt: clock.now() + 500, priority: 2 });
  await settle();
  t.like(bench.networks.at('first').requests[0], { deadlineAt: clock.now() + 500, priority: 2 });
  const plain = new Bench(DIAMOND);
  void plain.begin();
  await settle();
  t.like(plain.networks.at('first').requests[0], { deadlineAt: null, priority: 1 });
});

test('requests of an ensemble share the batches of its models', async (t) => {
  const bench = new Bench(DIAMOND);
  bench.networks.add('first', signature(ONE, { OUT: [-1, 2] }), {}, 1);
  const results = [bench.begin([1, 1]), bench.begin([2, 2]), bench.begin([3, 3])];
  await settle();
  t.is(bench.networks.at('first').requests.length, 3);
  await bench.finish('first');
  for (const name of ['left', 'right', 'last']) {
    await settle();
    const { running } = bench.networks.executors.get(name)!;
    for (let batch = running[0]; batch !== undefined; batch = running[0]) {
      batch.finish(
        batch.requests.map((request) => {
          const [first] = Object.values(given(request));
          return answer({ ...first!, name: 'OUT', data: bytes(floats(first!)) });
        }),
      );
    }
    await settle();
  }
  const all = await Promise.all(results);
  t.deepEqual(
    all.map((result) => floats(tensorsOf(result)['y']!)),
    [
      [1, 1],
      [2, 2],
      [3, 3],
    ],
  );
});

test('max_inflight_requests are the requests that run at once', async (t) => {
  const bench = new Bench(DIAMOND, { max_inflight_requests: 2 });
  t.is(bench.executor.instances, 2);
  void bench.begin();
  t.is(bench.executor.idle, 1);
  t.true(new Bench(DIAMOND).executor.instances > 10_000);
});

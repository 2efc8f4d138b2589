import test from 'ava';
import { ServingError } from '../../server/core/errors.js';
import { mergeRecentErrors, RecentErrors } from '../../server/core/recent-errors.js';
import type { ModelStatistics, StatisticsSink } from '../../server/core/statistics.js';
import { RecordingStatistics, timings } from '../support/recording-statistics.js';

/** Recent errors whose time is moved by hand, in front of a sink that remembers what is handed on. */
class Bench {
  now = 1000;
  readonly errors = new RecentErrors(() => this.now);
  readonly model = new RecordingStatistics();
  readonly streams: (string | null)[] = [];
  readonly sink: StatisticsSink = this.errors.beside({
    forModel: () => this.model,
    modelLoaded: () => {},
    streamOpened: () => ({ ended: (error) => void this.streams.push(error?.code ?? null) }),
  });

  face(version = 1): ModelStatistics {
    return this.sink.forModel('face', version);
  }
}

const BAD = new ServingError('BAD_IMAGE', 'the picture has no bytes');

test('equal errors of a version are one, counted, with the time of the last', (t) => {
  const bench = new Bench();
  bench.face().failed(BAD, 0);
  bench.now = 2000;
  bench.face().failed(BAD, 0);
  const [error, ...others] = bench.errors.list();
  t.deepEqual(error, { code: 'BAD_IMAGE', message: BAD.message, model: 'face', version: 1, count: 2, at: 2000 });
  t.deepEqual(others, []);
});

test('errors differ by version, code and message, and the newest comes first', (t) => {
  const bench = new Bench();
  bench.face().failed(BAD, 0);
  bench.face(2).failed(BAD, 0);
  bench.face().failed(new ServingError('BAD_REGION', BAD.message), 0);
  bench.face().failed(new ServingError('BAD_IMAGE', 'another'), 0);
  bench.face().failed(BAD, 0);
  t.deepEqual(
    bench.errors.list().map(({ code, version, message, count }) => [code, version, message, count]),
    [
      ['BAD_IMAGE', 1, BAD.message, 2],
      ['BAD_IMAGE', 1, 'another', 1],
      ['BAD_REGION', 1, BAD.message, 1],
      ['BAD_IMAGE', 2, BAD.message, 1],
    ],
  );
});

test('everything is handed on, once', (t) => {
  const bench = new Bench();
  const face = bench.face();
  face.succeeded(timings(5), 1);
  face.failed(BAD, 0);
  face.batchExecuted({
    requests: 1,
    rows: 1,
    queueUs: [1],
    decodeUs: 1,
    preprocessUs: 1,
    inferUs: 1,
    postprocessUs: 1,
  });
  face.dispose();
  t.deepEqual(bench.model.totals, [5]);
  t.deepEqual(bench.model.failures, ['BAD_IMAGE']);
  t.is(bench.model.batches.length, 1);
  t.is(bench.model.disposed, 1);
  bench.sink.streamOpened('Detect').ended(null);
  bench.sink.streamOpened('Detect').ended(BAD);
  t.deepEqual(bench.streams, [null, 'BAD_IMAGE']);
});

test('a stream that fails as a whole has no model', (t) => {
  const bench = new Bench();
  bench.sink.streamOpened('Detect').ended(new ServingError('MODEL_NOT_FOUND', 'no model "cat"'));
  bench.sink.streamOpened('Detect').ended(null);
  t.like(bench.errors.list()[0], { code: 'MODEL_NOT_FOUND', model: null, version: null, count: 1 });
  t.is(bench.errors.list().length, 1);
});

test('clients that leave and frames that are replaced are no errors', (t) => {
  const bench = new Bench();
  bench.face().failed(new ServingError('CANCELLED', 'gone'), 0);
  bench.face().failed(new ServingError('FRAME_DROPPED', 'newer'), 0);
  bench.sink.streamOpened('Embed').ended(new ServingError('CANCELLED', 'gone'));
  t.deepEqual(bench.errors.list(), []);
});

test('a fault of ours keeps its message to the log, and a long message is cut', (t) => {
  const bench = new Bench();
  bench.face().failed(new ServingError('INTERNAL', 'secret'), 0);
  bench.face().failed(new ServingError('BAD_IMAGE', 'x'.repeat(5000)), 0);
  const [long, fault] = bench.errors.list();
  t.false(fault!.message.includes('secret'));
  t.is(long!.message, `${'x'.repeat(300)}...`);
});

test('of many different errors the latest are kept', (t) => {
  const bench = new Bench();
  for (let number = 0; number < 1000; number++)
    bench.face().failed(new ServingError('BAD_IMAGE', `picture ${number}`), 0);
  const messages = bench.errors.list().map(({ message }) => message);
  t.is(messages.length, 50);
  t.is(messages[0], 'picture 999');
  t.is(messages.at(-1), 'picture 950');
});

test('the errors of several processes are added up, the newest first', (t) => {
  const [one, two] = [new Bench(), new Bench()];
  one.face().failed(BAD, 0);
  one.now = 5000;
  one.face().failed(new ServingError('BAD_IMAGE', 'only here'), 0);
  two.now = 3000;
  two.face().failed(BAD, 0);
  two.face().failed(BAD, 0);
  t.deepEqual(
    mergeRecentErrors([two.errors.list(), one.errors.list()]).map(({ message, count, at }) => [message, count, at]),
    [
      ['only here', 1, 5000],
      [BAD.message, 3, 3000],
    ],
  );
});

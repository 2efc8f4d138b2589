import test from 'ava';
import { ServingError } from '../../server/core/errors.js';
import { METRICS } from '../../server/http/metric-definitions.js';
import { Metrics, type ModelGauges } from '../../server/http/metrics.js';
import { timings } from '../support/recording-statistics.js';

const BATCH = {
  requests: 2,
  rows: 3,
  queueUs: [100, 300],
  decodeUs: 1000,
  preprocessUs: 2000,
  inferUs: 4000,
  postprocessUs: 500,
};

/** The value of each series, by its name and labels as they are written, without the last digits of sums. */
async function scrape(metrics: Metrics): Promise<Map<string, number>> {
  const lines = (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(Number(line.split(' ').at(-1)).toPrecision(12))]),
  );
}

function withoutModels(): Metrics {
  return new Metrics(() => []);
}

test('requests are counted and timed, failures counted by reason', async (t) => {
  const metrics = withoutModels();
  const statistics = metrics.forModel('face', 3);
  statistics.succeeded(timings(1500), 1);
  statistics.succeeded(timings(20_000), 1);
  statistics.failed(new ServingError('BAD_IMAGE', 'bad'), 0);
  statistics.failed(new ServingError('QUEUE_FULL', 'bad'), 0);
  statistics.failed(new ServingError('QUEUE_FULL', 'bad'), 0);
  const series = await scrape(metrics);
  const labels = 'model="face",version="3"';
  t.is(series.get(`sluice_requests_total{${labels}}`), 5);
  t.is(series.get(`sluice_request_failures_total{${labels},reason="BAD_IMAGE"}`), 1);
  t.is(series.get(`sluice_request_failures_total{${labels},reason="QUEUE_FULL"}`), 2);
  t.is(series.get(`sluice_request_duration_seconds_count{${labels}}`), 2);
  t.is(series.get(`sluice_request_duration_seconds_sum{${labels}}`), 0.0215);
  t.is(series.get(`sluice_request_duration_seconds_bucket{le="0.001",${labels}}`), 0);
  t.is(series.get(`sluice_request_duration_seconds_bucket{le="0.002",${labels}}`), 1);
  t.is(series.get(`sluice_request_duration_seconds_bucket{le="0.02",${labels}}`), 2);
});

test('a dropped frame is no failure', async (t) => {
  const metrics = withoutModels();
  metrics.forModel('face', 1).failed(new ServingError('FRAME_DROPPED', 'bad'), 0);
  const series = await scrape(metrics);
  t.is(series.get('sluice_frames_dropped_total{model="face",version="1"}'), 1);
  t.is(series.get('sluice_requests_total{model="face",version="1"}'), 1);
  t.false([...series.keys()].some((name) => name.startsWith('sluice_request_failures_total')));
});

test('a batch has its rows, its requests and the time of each phase', async (t) => {
  const metrics = withoutModels();
  metrics.forModel('face', 1).batchExecuted(BATCH);
  const series = await scrape(metrics);
  const labels = 'model="face",version="1"';
  t.is(series.get(`sluice_batch_rows_sum{${labels}}`), 3);
  t.is(series.get(`sluice_batch_rows_bucket{le="2",${labels}}`), 0);
  t.is(series.get(`sluice_batch_rows_bucket{le="4",${labels}}`), 1);
  t.is(series.get(`sluice_executed_requests_total{${labels}}`), 2);
  t.is(series.get(`sluice_phase_duration_seconds_count{${labels},phase="queue"}`), 2);
  for (const [phase, seconds] of [
    ['queue', 0.0004],
    ['decode', 0.001],
    ['preprocess', 0.002],
    ['infer', 0.004],
    ['postprocess', 0.0005],
  ] as const) {
    t.is(series.get(`sluice_phase_duration_seconds_sum{${labels},phase="${phase}"}`), seconds, phase);
  }
});

test('the series of a version are there from 0 when it is loaded, and gone when it is unloaded', async (t) => {
  const metrics = withoutModels();
  const statistics = metrics.forModel('face', 1);
  const other = metrics.forModel('face', 2);
  const before = await scrape(metrics);
  t.is(before.get('sluice_requests_total{model="face",version="1"}'), 0);
  t.is(before.get('sluice_phase_duration_seconds_count{model="face",version="1",phase="infer"}'), 0);
  statistics.failed(new ServingError('INTERNAL', 'bad'), 0);
  statistics.batchExecuted(BATCH);
  statistics.dispose();
  const after = [...(await scrape(metrics)).keys()];
  t.deepEqual(
    after.filter((name) => name.includes('version="1"')),
    [],
  );
  t.true(after.includes('sluice_requests_total{model="face",version="2"}'));
  other.dispose();
});

test('while a version is reloaded, old and new count together', async (t) => {
  const metrics = withoutModels();
  const old = metrics.forModel('face', 1);
  old.succeeded(timings(10), 1);
  const next = metrics.forModel('face', 1);
  next.succeeded(timings(10), 1);
  old.dispose();
  next.succeeded(timings(10), 1);
  t.is((await scrape(metrics)).get('sluice_requests_total{model="face",version="1"}'), 3);
  next.dispose();
  t.false((await scrape(metrics)).has('sluice_requests_total{model="face",version="1"}'));
  metrics.forModel('face', 1);
  t.is((await scrape(metrics)).get('sluice_requests_total{model="face",version="1"}'), 0);
});

test('gauges are read at every scrape and do not outlive what they measure', async (t) => {
  let models: ModelGauges[] = [
    {
      model: 'a',
      version: 1,
      state: 'READY',
      queue: { requests: 4, bytes: 99 },
      instances: { total: 3, idle: 1 },
      sequences: { active: 5, backlog: 2 },
    },
    { model: 'b', version: 2, state: 'UNAVAILABLE', queue: null, instances: null, sequences: null },
  ];
  const metrics = new Metrics(() => models);
  const first = await scrape(metrics);
  t.is(first.get('sluice_queue_requests{model="a",version="1"}'), 4);
  t.is(first.get('sluice_queue_bytes{model="a",version="1"}'), 99);
  t.is(first.get('sluice_instances{model="a",version="1",state="idle"}'), 1);
  t.is(first.get('sluice_instances{model="a",version="1",state="busy"}'), 2);
  t.is(first.get('sluice_sequences{model="a",version="1",state="active"}'), 5);
  t.is(first.get('sluice_sequences{model="a",version="1",state="backlog"}'), 2);
  t.is(first.get('sluice_model_state{model="a",version="1",state="READY"}'), 1);
  t.is(first.get('sluice_model_state{model="a",version="1",state="LOADING"}'), 0);
  t.is(first.get('sluice_model_state{model="b",version="2",state="UNAVAILABLE"}'), 1);
  t.false(first.has('sluice_queue_requests{model="b",version="2"}'));
  models = [];
  t.false([...(await scrape(metrics)).keys()].some((name) => name.includes('model="')));
});

test('streams are counted while they are open, and by how they ended', async (t) => {
  const metrics = withoutModels();
  const good = metrics.streamOpened('Detect');
  const bad = metrics.streamOpened('Detect');
  metrics.streamOpened('Embed');
  t.is((await scrape(metrics)).get('sluice_streams_open{call="Detect"}'), 2);
  good.ended(null);
  bad.ended(new ServingError('MODEL_NOT_FOUND', 'bad'));
  const series = await scrape(metrics);
  t.is(series.get('sluice_streams_open{call="Detect"}'), 0);
  t.is(series.get('sluice_streams_open{call="Embed"}'), 1);
  t.is(series.get('sluice_streams_total{call="Detect",outcome="OK"}'), 1);
  t.is(series.get('sluice_streams_total{call="Detect",outcome="MODEL_NOT_FOUND"}'), 1);
});

test('every metric of the table is exposed with its type and help, beside those of the process', async (t) => {
  const text = await withoutModels().text();
  for (const { name, type, help } of Object.values(METRICS)) {
    t.true(text.includes(`# HELP ${name} ${help}\n`), name);
    t.true(text.includes(`# TYPE ${name} ${type}\n`), name);
  }
  for (const name of [
    'process_resident_memory_bytes',
    'process_cpu_seconds_total',
    'nodejs_eventloop_lag_p99_seconds',
  ]) {
    t.true(text.includes(`\n${name} `), name);
  }
});

test('two servers in one process do not share metrics', async (t) => {
  const [one, two] = [withoutModels(), withoutModels()];
  one.forModel('face', 1).succeeded(timings(1), 1);
  t.false((await scrape(two)).has('sluice_requests_total{model="face",version="1"}'));
});

test('builds of plans and looks into their cache are counted, and progress is there while a build runs', async (t) => {
  const metrics = new Metrics(() => []);
  t.regex(await metrics.text(), /^sluice_engine_builds_total\{result="failed"\} 0$/m);
  metrics.engines.planLookedUp('stale');
  const build = metrics.engines.buildStarted('cats', 2, 1);
  build.progress(0.25);
  const running = await metrics.text();
  t.regex(running, /^sluice_engine_cache_lookups_total\{result="stale"\} 1$/m);
  t.regex(running, /^sluice_engine_build_progress_ratio\{model="cats",version="2",device="1"\} 0\.25$/m);
  build.ended('built', 7);
  metrics.engines.buildStarted('cats', 2, 1).ended('abandoned', 3);
  const ended = await metrics.text();
  t.false(ended.includes('sluice_engine_build_progress_ratio{'));
  t.regex(ended, /^sluice_engine_builds_total\{result="built"\} 1$/m);
  t.regex(ended, /^sluice_engine_builds_total\{result="abandoned"\} 1$/m);
  t.regex(ended, /^sluice_engine_build_duration_seconds_count 1$/m, 'of those that were built');
});

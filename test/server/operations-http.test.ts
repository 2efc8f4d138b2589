import test from 'ava';
import { embedOne } from '../support/ask.js';
import { frameOf } from '../support/messages.js';
import { encode, grey } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { meansModel, slowModel } from '../support/tiny-models.js';

const MEANS = { task: 'embedding', input: { width: 8, height: 8 }, max_batch_size: 4 };

function serve(): Promise<Serving> {
  return Serving.start(async (repository) => {
    const config = { ...MEANS, instance_group: { count: 2 }, dynamic_batching: { priority_levels: 2 } };
    await repository.addModel('means', config, meansModel(8, 8));
  });
}

async function get(serving: Serving, path: string): Promise<{ status: number; type: string; text: string }> {
  const response = await fetch(`http://${serving.server.httpAddress}${path}`);
  return { status: response.status, type: response.headers.get('content-type') ?? '', text: await response.text() };
}

test.serial('/livez answers while the process runs, and / lists what there is', async (t) => {
  await using serving = await serve();
  t.is((await get(serving, '/livez')).status, 200);
  const { endpoints } = JSON.parse((await get(serving, '/')).text) as { endpoints: Record<string, string> };
  t.true(['/', '/livez', '/metrics', '/readyz', '/v1/status'].every((path) => path in endpoints));
  t.is((await get(serving, '/nosuch')).status, 404);
});

test.serial('with --http-page false there is no page and nothing of it', async (t) => {
  await using serving = await Serving.start(async () => {}, ['--http-page', 'false']);
  const { endpoints } = JSON.parse((await get(serving, '/')).text) as { endpoints: Record<string, string> };
  t.deepEqual(Object.keys(endpoints).sort(), ['/', '/livez', '/metrics', '/readyz', '/v2']);
  t.is((await get(serving, '/v1/status')).status, 404);
});

test.serial('/readyz of a server whose models are all READY says so', async (t) => {
  await using serving = await serve();
  const { status, text } = await get(serving, '/readyz');
  t.is(status, 200);
  t.deepEqual(JSON.parse(text), { ready: true, reason: null, not_ready: [] });
});

test.serial('/metrics count the traffic: requests, batches, phases, and failures by their reason', async (t) => {
  await using serving = await serve();
  const { metrics, client, wire } = serving;
  const good = Array.from({ length: 10 }, () => ({ picture: grey(100, 8) }));
  for await (const { frame } of client.embed(good)) t.is(frame?.error, undefined);
  const cutShort = (await encode(grey(1, 64), 'png')).subarray(0, 60);
  const bad = [{ picture: cutShort }, { picture: grey(1, 8), priority: 9 }];
  const codes = [];
  for await (const { frame } of client.embed(bad)) codes.push(frame?.error?.code);
  t.deepEqual(codes, ['BAD_IMAGE', 'INVALID_REQUEST']);

  const means = { model: 'means', version: '1' };
  t.is(await metrics.value('sluice_requests_total', means), 12);
  t.is(await metrics.value('sluice_request_failures_total', means), 2);
  for (const code of codes) t.is(await metrics.failed('means', code ?? ''), 1);
  t.is(await metrics.value('sluice_request_duration_seconds_count', means), 10);
  const executed = await metrics.value('sluice_executed_requests_total', means);
  const batches = await metrics.value('sluice_batch_rows_count', means);
  t.is(executed, 11, 'the picture that could not be decoded was in a batch, the wrong priority was not');
  t.true(batches >= 3 && batches <= 11);
  t.is(await metrics.value('sluice_batch_rows_sum', means), executed);
  t.is(await metrics.value('sluice_batch_rows_bucket', { ...means, le: '4' }), batches);
  t.is(await metrics.value('sluice_phase_duration_seconds_count', { ...means, phase: 'queue' }), executed);
  for (const phase of ['decode', 'preprocess', 'infer', 'postprocess']) {
    t.is(await metrics.value('sluice_phase_duration_seconds_count', { ...means, phase }), batches, phase);
    t.true((await metrics.value('sluice_phase_duration_seconds_sum', { ...means, phase })) > 0, phase);
  }

  const call = wire.embed();
  call.send({ options: undefined, frame: frameOf(grey(3, 8)), regions: [] });
  await call.answered(1);
  t.is(await metrics.value('sluice_streams_open', { call: 'Embed' }), 1);
  t.is((await call.finish()).code, 0);
  t.is(await metrics.value('sluice_streams_open', { call: 'Embed' }), 0);
  t.is(await metrics.value('sluice_streams_total', { call: 'Embed', outcome: 'OK' }), 3);
  await t.throwsAsync(embedOne(client, { picture: grey(1, 8) }, { model: 'nosuch' }));
  t.is(await metrics.value('sluice_streams_total', { call: 'Embed', outcome: 'MODEL_NOT_FOUND' }), 1);
});

test.serial('/metrics tell of states and instances, and of the process itself', async (t) => {
  await using serving = await serve();
  const { metrics } = serving;
  const state = (name: string) => metrics.value('sluice_model_state', { model: 'means', version: '1', state: name });
  t.deepEqual(await Promise.all(['READY', 'LOADING', 'UNLOADING', 'UNAVAILABLE'].map(state)), [1, 0, 0, 0]);
  t.is(await metrics.value('sluice_instances', { model: 'means', state: 'idle' }), 2);
  t.is(await metrics.value('sluice_instances', { model: 'means', state: 'busy' }), 0);
  t.true((await metrics.value('process_resident_memory_bytes')) > 20_000_000);
  t.true((await metrics.value('process_cpu_seconds_total')) > 0);
  t.regex((await get(serving, '/metrics')).type, /^text\/plain; .*version=/);
});

test.serial('every metric of the reference is there, with its help and type', async (t) => {
  await using serving = await serve();
  await embedOne(serving.client, { picture: grey(1, 8) });
  const { text } = await get(serving, '/metrics');
  const { METRICS } = await import('../../server/http/metric-definitions.js');
  for (const { name, type } of Object.values(METRICS)) {
    t.true(text.includes(`# TYPE ${name} ${type}`), name);
    t.true(text.includes(`# HELP ${name} `), name);
  }
});

test.serial('/metrics tell what waits, in requests and bytes, and what is busy', async (t) => {
  await using serving = await Serving.start(async (repository) => {
    const config = { task: 'embedding', input: { width: 32, height: 32 }, max_batch_size: 1 };
    const group = { instance_group: { count: 1, intra_op_thread_count: 1 }, preprocess: { scale: 40 } };
    await repository.addModel('slow', { ...config, ...group }, slowModel(32, 32));
  });
  const { metrics, wire } = serving;
  const call = wire.embed();
  const picture = grey(255);
  for (let index = 0; index < 4; index++) call.send({ options: undefined, frame: frameOf(picture), regions: [] });
  await metrics.untilBusy('slow');
  await metrics.untilQueued('slow', 3);
  t.is(await metrics.value('sluice_queue_bytes', { model: 'slow' }), 3 * picture.data.length);
  call.cancel();
  await metrics.untilQueued('slow', 0);
  t.is(await metrics.value('sluice_queue_bytes', { model: 'slow' }), 0);
  t.is(await metrics.failed('slow', 'CANCELLED'), 3);
});

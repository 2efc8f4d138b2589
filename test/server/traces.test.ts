import test, { type ExecutionContext } from 'ava';
import type { DetectResponse } from '../../server/gen/sluice/v1/inference.js';
import { inferMessage, KserveClient } from '../support/kserve-client.js';
import { detectFrame, detectOptions } from '../support/messages.js';
import { encode, grey, spots } from '../support/pictures.js';
import { addStageModels, DESCRIBE, FIND, pipelineOf, SIDE } from '../support/pipelines.js';
import { Serving } from '../support/serving.js';
import { addSubModel } from '../support/tensor-models.js';
import { tensor } from '../support/tensors.js';
import { TraceCollector, type CollectedSpan } from '../support/trace-collector.js';

/** What a collector hears of streams, read from the bytes by OpenTelemetry's own Python messages. */

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CLIENT = '00f067aa0ba902b7';
const SAMPLED = { traceparent: `00-${TRACE}-${CLIENT}-01`, tracestate: 'shop=7,bank=x' };
const UNSAMPLED = { traceparent: `00-${'1'.repeat(32)}-${CLIENT}-00` };

const PHASES = ['queue', 'decode', 'preprocess', 'infer', 'postprocess'] as const;

const picture = spots(SIDE, SIDE, [
  [20, 24, 250],
  [80, 64, 200],
]);

let collector: TraceCollector;
let serving: Serving;

test.before(async () => {
  collector = await TraceCollector.start();
  serving = await serve(['--trace-endpoint', `${collector.url}/v1/traces`, '--trace-sample-ratio', '0']);
});

test.after.always(async () => {
  await serving?.[Symbol.asyncDispose]();
  await collector?.[Symbol.asyncDispose]();
});

function serve(flags: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Serving> {
  return Serving.start(
    async (repository) => {
      await addStageModels(repository);
      await repository.configure('people', pipelineOf([FIND, DESCRIBE]));
      await repository.addVersion('sums', 1, addSubModel(['batch', 2]));
    },
    flags,
    { OTEL_BSP_SCHEDULE_DELAY: '20', ...environment },
  );
}

/** Sends frames to a model in one stream with that metadata; returns the answers. */
async function stream(
  { wire }: Serving,
  model: string,
  pictures: readonly Parameters<typeof detectFrame>[0][],
  metadata: Readonly<Record<string, string>> = {},
): Promise<readonly DetectResponse[]> {
  const call = wire.detect({ metadata });
  call.send(detectOptions({ model }));
  call.send(...pictures.map((one, index) => detectFrame(one, { frameId: `frame ${index}` })));
  const answers = await call.answered(pictures.length);
  await call.finish();
  return answers;
}

/** Nanoseconds. */
function duration({ from, to }: CollectedSpan): number {
  return Number(to - from);
}

/** Checks queue and phases below a span against what the answer says of them, and that they follow one another. */
function checkPhases(t: ExecutionContext, spans: readonly CollectedSpan[], answer: DetectResponse): void {
  const { timings } = answer.frame!;
  const told = [timings!.queueUs, timings!.decodeUs, timings!.preprocessUs, timings!.inferUs, timings!.postprocessUs];
  for (const [index, phase] of PHASES.entries()) {
    const span = spans[index]!;
    t.is(span.name, phase);
    // The answer has whole microseconds.
    t.true(
      Math.abs(duration(span) / 1000 - told[index]!) <= 0.502,
      `${phase}: ${duration(span)} ns, ${told[index]} us`,
    );
    if (index > 0)
      t.true(Math.abs(Number(span.from - spans[index - 1]!.to)) <= 1, 'it begins where the last one ended');
  }
}

test.serial('A stream has a span below that of its client, and its frames below that, with their phases', async (t) => {
  const before = BigInt(Date.now() - 1) * 1_000_000n;
  const answers = await stream(serving, 'spots', [picture, picture, picture], SAMPLED);
  const [call] = await collector.named('sluice.v1.Inference/Detect');
  const requests = await collector.named('request', 3);
  t.like(call, { trace: TRACE, parent: CLIENT, state: 'shop=7,bank=x', kind: 'SPAN_KIND_SERVER', scope: 'sluice' });
  t.like(call!.attributes, { 'rpc.system.name': 'grpc', 'rpc.method': 'sluice.v1.Inference/Detect' });
  t.like(call!.attributes, { 'sluice.requests': 3, 'sluice.status': 'OK' });
  t.is(call!.resource['service.name'], 'sluice');
  t.true(call!.from >= before && call!.to <= BigInt(Date.now() + 1) * 1_000_000n);
  for (const [index, request] of requests.entries()) {
    const answer = answers[index]!;
    t.like(request, { trace: TRACE, parent: call!.id, kind: 'SPAN_KIND_INTERNAL', status: 'STATUS_CODE_UNSET' });
    t.deepEqual(request.attributes, {
      'sluice.call': 'sluice.v1.Inference/Detect',
      'sluice.model.name': 'spots',
      'sluice.model.version': '1',
      'sluice.request.id': `frame ${index}`,
      'sluice.request.index': index,
      'sluice.batch.size': answer.frame!.timings!.batchSize,
      'sluice.status': 'OK',
    });
    t.true(request.from >= call!.from && request.to <= call!.to);
    const spans = collector.below(request);
    t.deepEqual(
      spans.map(({ name }) => name),
      [...PHASES, 'respond'],
    );
    t.is(spans[0]!.from, request.from, 'the queue begins with the arrival');
    checkPhases(t, spans, answer);
    const respond = spans.at(-1)!;
    t.is(respond.to, request.to);
    const total = Number(respond.from - request.from) / 1000;
    t.true(Math.abs(total - answer.frame!.timings!.totalUs) <= 0.502, 'up to the results it took what the answer says');
    t.true(respond.from >= spans.at(-2)!.to, 'what is in between is the way to the thread and back');
  }
  const ids = collector.spans.map(({ id }) => id);
  t.is(new Set(ids).size, ids.length);
  t.deepEqual([...collector.paths], ['POST /v1/traces']);
});

test.serial('The client decides what is traced; at ratio 0 nothing is where it says nothing sensible', async (t) => {
  const before = collector.spans.length;
  for (const metadata of [UNSAMPLED, {}, { traceparent: `00-${TRACE}-${'0'.repeat(16)}-01` }, { traceparent: 'x' }]) {
    await stream(serving, 'spots', [picture], metadata);
  }
  const trace = '2'.repeat(32);
  await stream(serving, 'spots', [picture], { traceparent: `00-${trace}-${CLIENT}-01` });
  await collector.named('sluice.v1.Inference/Detect', 1, trace);
  t.true(
    collector.spans.slice(before).every((span) => span.trace === trace),
    'nothing else has come before it',
  );
});

test.serial('Frames and calls that fail say why, and are faults only where the server is to blame', async (t) => {
  const cutShort = (await encode(grey(1, 64), 'png')).subarray(0, 60);
  const trace = '3'.repeat(32);
  await stream(serving, 'spots', [cutShort, picture], { traceparent: `00-${trace}-${CLIENT}-01` });
  const failedWith = (spans: readonly CollectedSpan[], error: string) =>
    spans.find(({ attributes }) => attributes['error.type'] === error);
  const bad = failedWith(await collector.named('request', 2, trace), 'BAD_IMAGE');
  t.is(bad?.status, 'STATUS_CODE_UNSET');
  t.like(bad!.attributes, { 'sluice.status': 'BAD_IMAGE', 'sluice.request.index': 0 });
  t.deepEqual(
    bad!.events.map(({ name, attributes }) => [name, attributes['exception.type']]),
    [['exception', 'BAD_IMAGE']],
  );
  t.regex(String(bad!.events[0]!.attributes['exception.message']), /decoded/);

  const late = serving.wire.detect({ metadata: { traceparent: `00-${trace}-${CLIENT}-01` } });
  late.send(detectOptions({ model: 'spots' }), detectFrame(picture, { timeout: { seconds: 0, nanos: 1 } }));
  await late.answered(1);
  await late.finish();
  t.is(failedWith(await collector.named('request', 3, trace), 'DEADLINE_EXCEEDED')?.status, 'STATUS_CODE_ERROR');

  const lost = serving.wire.detect({ metadata: { traceparent: `00-${trace}-${CLIENT}-01` } });
  lost.send(detectOptions({ model: 'nosuch' }));
  await lost.status;
  const call = failedWith(await collector.named('sluice.v1.Inference/Detect', 3, trace), 'MODEL_NOT_FOUND');
  t.like(call?.attributes, { 'sluice.status': 'MODEL_NOT_FOUND', 'sluice.requests': 0 });
});

test.serial('A pipeline has a span a stage, with the phases of its model', async (t) => {
  const trace = '4'.repeat(32);
  const [answer] = await stream(serving, 'people', [picture], { traceparent: `00-${trace}-${CLIENT}-01` });
  const [request] = await collector.named('request', 1, trace);
  t.is(request!.attributes['sluice.model.name'], 'people');
  const spans = collector.below(request!);
  t.deepEqual(
    spans.map(({ name }) => name),
    ['queue', 'stage find', 'stage describe', 'respond'],
  );
  const [queue, find, describe] = spans;
  t.true(find!.from >= queue!.to && describe!.from >= find!.to, 'one after the other');
  t.like(find!.attributes, { 'sluice.model.name': 'spots', 'sluice.regions': 0, 'sluice.status': 'OK' });
  t.like(describe!.attributes, { 'sluice.model.name': 'grid', 'sluice.regions': 2, 'sluice.batch.size': 2 });
  for (const [stage, told] of [
    [find!, answer!.stages[0]!],
    [describe!, answer!.stages[1]!],
  ] as const) {
    t.true(Math.abs(duration(stage) / 1000 - told.timings!.totalUs) <= 0.502, stage.name);
    const phases = collector.below(stage);
    checkPhases(t, phases, { ...answer!, frame: { ...answer!.frame!, timings: told.timings } });
    t.is(phases[0]!.from, stage.from);
  }
});

test.serial('Calls of the open inference protocol are traced alike, streams and single requests', async (t) => {
  const trace = '5'.repeat(32);
  const headers = { traceparent: `00-${trace}-${CLIENT}-01` };
  using client = new KserveClient(serving.server.grpcAddress);
  const input = (name: string) => tensor(name, 'INT32', [1, 2], Int32Array.from([5, 7]));
  const request = inferMessage('sums', [input('INPUT0'), input('INPUT1')], { id: 'first' });
  await client.stream([request, inferMessage('sums', [input('INPUT0')], { id: 'second' })], headers);
  const [call] = await collector.named('inference.GRPCInferenceService/ModelStreamInfer', 1, trace);
  t.like(call!.attributes, { 'sluice.requests': 2, 'sluice.status': 'OK' });
  const requests = collector.below(call!);
  t.deepEqual(
    requests.map(({ attributes }) => [attributes['sluice.request.id'], attributes['sluice.status']]),
    [
      ['first', 'OK'],
      ['second', 'INVALID_REQUEST'],
    ],
  );
  t.deepEqual(
    collector.below(requests[0]!).map(({ name }) => name),
    [...PHASES, 'respond'],
  );

  await using other = await TraceCollector.start();
  await using traced = await serve(['--trace-endpoint', `${other.url}/v1/traces`]);
  using unary = new KserveClient(traced.server.grpcAddress);
  await unary.infer(request);
  await t.throwsAsync(unary.infer(inferMessage('nosuch', [])));
  const calls = await other.named('inference.GRPCInferenceService/ModelInfer', 2);
  t.deepEqual(
    calls.map((one) => [one.attributes['sluice.status'], other.below(one).length]),
    [
      ['OK', 1],
      ['MODEL_NOT_FOUND', 1],
    ],
  );
});

test.serial("OpenTelemetry's own variables name the collector, its headers and the service", async (t) => {
  await using other = await TraceCollector.start();
  await using traced = await serve([], {
    OTEL_EXPORTER_OTLP_ENDPOINT: `${other.url}/tenant`,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20x',
    OTEL_SERVICE_NAME: 'gate cameras',
  });
  await stream(traced, 'spots', [picture]);
  const [call] = await other.named('sluice.v1.Inference/Detect');
  t.is(call!.parent, '', 'without a context of the client it is a root');
  t.is(call!.resource['service.name'], 'gate cameras');
  t.deepEqual([...other.paths], ['POST /tenant/v1/traces']);
  t.is(other.headers[0]?.authorization, 'Bearer x');
});

test.serial('What has not been sent is sent when the server ends', async (t) => {
  await using other = await TraceCollector.start();
  await using traced = await serve(['--trace-endpoint', `${other.url}/v1/traces`], {
    OTEL_BSP_SCHEDULE_DELAY: '3600000',
  });
  await stream(traced, 'spots', [picture, picture]);
  t.is(other.requests, 0);
  traced.server.signal('SIGTERM');
  t.is(await traced.server.ended(), 0);
  t.is((await other.named('request', 2)).length, 2);
});

test.serial('Without a collector frames are served all the same; the loss is counted, and told once', async (t) => {
  const gone = await TraceCollector.start();
  const url = `${gone.url}/v1/traces`;
  await gone[Symbol.asyncDispose]();
  await using traced = await serve(['--trace-endpoint', url], { OTEL_EXPORTER_OTLP_TIMEOUT: '100' });
  for (let round = 1; round <= 2; round++) {
    const answers = await stream(traced, 'spots', [picture, picture]);
    t.true(answers.every(({ frame }) => frame?.error === undefined));
    await traced.metrics.until('sluice_trace_spans_lost_total', { reason: 'not_taken' }, (lost) => lost >= round * 15);
  }
  t.is(await traced.metrics.value('sluice_trace_spans_exported_total'), 0);
  t.is(traced.server.log.filter(({ msg }) => msg.startsWith('spans of traces are lost')).length, 1);
  traced.server.signal('SIGTERM');
  t.is(await traced.server.ended(), 0);
});

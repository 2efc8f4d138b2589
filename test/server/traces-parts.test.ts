import test from 'ava';
import { tryPicture } from '../support/http-ask.js';
import { KserveClient, inferMessage } from '../support/kserve-client.js';
import { encode, spots } from '../support/pictures.js';
import { addStageModels, DESCRIBE, FIND, pipelineOf, SIDE } from '../support/pipelines.js';
import { askRest } from '../support/rest-client.js';
import { Serving } from '../support/serving.js';
import { DATATYPES, gatherModel, identityModel } from '../support/tensor-models.js';
import { tensor } from '../support/tensors.js';
import { TraceCollector, type CollectedSpan } from '../support/trace-collector.js';

/** Traces of ensembles, and of pictures that are tried over HTTP: of one of several processes, the way that most steps are. */

const CLIENT = '00f067aa0ba902b7';
const PHASES = ['queue', 'decode', 'preprocess', 'infer', 'postprocess'];

let collector: TraceCollector;
let serving: Serving;

test.before(async () => {
  collector = await TraceCollector.start();
  serving = await Serving.start(
    async (repository) => {
      await addStageModels(repository);
      await repository.configure('people', pipelineOf([FIND, DESCRIBE]));
      await repository.addModel('places', { task: 'tensors', max_batch_size: 8 }, identityModel(DATATYPES.INT64));
      await repository.addModel('words', { task: 'tensors', max_batch_size: 8 }, gatherModel());
      const places = { name: 'at', data_type: 'TYPE_INT64', dims: [16] };
      const words = { name: 'word', data_type: 'TYPE_FP32', dims: [16] };
      const ensemble = (...step: object[]) => ({
        task: 'ensemble',
        max_batch_size: 8,
        tensors: { input: [places], output: [words] },
        ensemble_scheduling: { step },
      });
      await repository.configure(
        'inner',
        ensemble(
          { model_name: 'places', input_map: { INPUT0: 'at' }, output_map: { OUTPUT0: 'same' } },
          { model_name: 'words', input_map: { INPUT0: 'same' }, output_map: { OUTPUT0: 'word' } },
        ),
      );
      await repository.configure(
        'outer',
        ensemble(
          { model_name: 'inner', input_map: { at: 'still' }, output_map: { word: 'word' } },
          { model_name: 'places', input_map: { INPUT0: 'at' }, output_map: { OUTPUT0: 'still' } },
        ),
      );
    },
    ['--trace-endpoint', `${collector.url}/v1/traces`, '--trace-sample-ratio', '0', '--processes', '2'],
    { OTEL_BSP_SCHEDULE_DELAY: '20' },
  );
});

test.after.always(async () => {
  await serving?.[Symbol.asyncDispose]();
  await collector?.[Symbol.asyncDispose]();
});

/** The header of a client that wants its call to be traced, in a trace of its own. */
function traced(digit: string) {
  const trace = digit.repeat(32);
  return { trace, headers: { traceparent: `00-${trace}-${CLIENT}-01`, tracestate: 'shop=7' } };
}

function places(values: readonly number[]) {
  return tensor('at', 'INT64', [1, 16], BigInt64Array.from(values, BigInt));
}

const names = (spans: readonly CollectedSpan[]) => spans.map(({ name }) => name);

test.serial(
  'an ensemble has a span a step with the phases of its model, and an ensemble within it has those of its own',
  async (t) => {
    const { trace, headers } = traced('a');
    using client = new KserveClient(serving.server.grpcAddress);
    await client.stream([inferMessage('outer', [places(Array(16).fill(1))], { id: 'one' })], headers);
    const [request] = await collector.named('request', 1, trace);
    t.like(request!.attributes, { 'sluice.model.name': 'outer', 'sluice.request.id': 'one', 'sluice.status': 'OK' });
    const [queue, first, second, respond] = collector.below(request!);
    t.deepEqual(names([queue!, first!, second!, respond!]), [
      'queue',
      'step 2 (model places)',
      'step 1 (model inner)',
      'respond',
    ]);
    t.is(collector.below(request!).length, 4);
    t.true(first!.from >= queue!.to && second!.from >= first!.to && respond!.from >= second!.to, 'one after the other');
    t.like(first!.attributes, { 'sluice.model.name': 'places', 'sluice.model.version': '1', 'sluice.batch.size': 1 });
    t.deepEqual(names(collector.below(first!)), PHASES);
    const inner = collector.below(second!);
    t.deepEqual(names(inner), ['queue', 'step 1 (model places)', 'step 2 (model words)']);
    for (const step of inner.slice(1)) {
      t.deepEqual(names(collector.below(step)), PHASES);
      t.true(step.from >= second!.from && step.to <= second!.to, step.name);
      t.is(collector.below(step)[0]!.from, step.from);
    }
  },
);

test.serial('a step that fails says so, and those that never ran have no span', async (t) => {
  const { trace, headers } = traced('b');
  const body = { inputs: [{ name: 'at', datatype: 'INT64', shape: [1, 16], data: Array(16).fill(99) }] };
  const { status } = await askRest(serving, '/v2/models/inner/infer', body, undefined, headers);
  t.true(status >= 400, 'the words have no place 99');
  const [request] = await collector.named('request', 1, trace);
  const failed = collector.below(request!).at(-2)!;
  t.is(failed.name, 'step 2 (model words)');
  t.is(failed.attributes['sluice.status'], request!.attributes['sluice.status']);
  t.is(failed.events[0]?.name, 'exception');

  const wrong = traced('c');
  const short = { inputs: [{ ...body.inputs[0], shape: [1, 3], data: [1, 2, 3] }] };
  await askRest(serving, '/v2/models/inner/infer', short, undefined, wrong.headers);
  const [refused] = await collector.named('request', 1, wrong.trace);
  t.deepEqual(names(collector.below(refused!)), []);
});

const picture = encode(
  spots(SIDE, SIDE, [
    [20, 24, 250],
    [80, 64, 200],
  ]),
  'png',
);

test.serial('a picture that is tried has the spans of a frame, below that of the client', async (t) => {
  const { trace, headers } = traced('d');
  t.is((await tryPicture(serving, 'spots', await picture, { headers })).status, 200);
  const [call] = await collector.named('POST /v1/models/:model/try', 1, trace);
  t.like(call, { parent: CLIENT, state: 'shop=7', kind: 'SPAN_KIND_SERVER' });
  t.like(call!.attributes, {
    'http.request.method': 'POST',
    'http.route': '/v1/models/:model/try',
    'sluice.requests': 1,
    'sluice.status': 'OK',
  });
  const [request] = collector.below(call!);
  t.like(request!.attributes, { 'sluice.model.name': 'spots', 'sluice.model.version': '1', 'sluice.status': 'OK' });
  t.deepEqual(names(collector.below(request!)), [...PHASES, 'respond']);

  const stages = traced('e');
  await tryPicture(serving, 'people', await picture, { headers: stages.headers, version: '1' });
  await collector.named('POST /v1/models/:model/versions/:version/try', 1, stages.trace);
  const [frame] = await collector.named('request', 1, stages.trace);
  t.deepEqual(names(collector.below(frame!)), ['queue', 'stage find', 'stage describe', 'respond']);
});

test.serial(
  'a picture that is refused says why, and one that the client does not want traced leaves nothing',
  async (t) => {
    const { trace, headers } = traced('f');
    await tryPicture(serving, 'spots', Buffer.from('none'), { headers });
    await tryPicture(serving, 'nosuch', await picture, { headers });
    const calls = await collector.named('POST /v1/models/:model/try', 2, trace);
    const told = calls.map((call) => [call, ...collector.below(call)].map((span) => span.attributes['sluice.status']));
    t.deepEqual(
      told.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
      [
        ['BAD_IMAGE', 'BAD_IMAGE'],
        ['MODEL_NOT_FOUND', 'MODEL_NOT_FOUND'],
      ],
    );

    const unwanted = '9'.repeat(32);
    const quiet = { traceparent: `00-${unwanted}-${CLIENT}-00` };
    for (let round = 0; round < 2; round++) await tryPicture(serving, 'spots', await picture, { headers: quiet });
    const last = traced('8');
    // Both processes send a span after what they have not sent.
    for (let round = 0; round < 2; round++)
      await tryPicture(serving, 'spots', await picture, { headers: last.headers });
    await collector.named('POST /v1/models/:model/try', 2, last.trace);
    t.false(
      collector.spans.some((span) => span.trace === unwanted),
      'nothing has come before it',
    );
  },
);

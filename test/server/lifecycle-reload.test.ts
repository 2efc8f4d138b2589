import test, { type ExecutionContext } from 'ava';
import type { EmbedResponse } from '../../clients/typescript/sluice-client.js';
import { LoadStream } from '../support/load-stream.js';
import { Operator } from '../support/operator.js';
import { grey } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { sluice } from '../support/sluice-command.js';
import { meansModel } from '../support/tiny-models.js';

/** The answers of generation n are n times the frame's level: each generation has another scale. */
function generation(number: number): object {
  return {
    task: 'embedding',
    input: { width: 8, height: 8 },
    postprocess: { normalize: false },
    preprocess: { scale: number },
    instance_group: { count: 2 },
    dynamic_batching: { max_queue_delay_microseconds: 1000 },
  };
}

const FRAME = { picture: grey(10, 8) };
const RELOADS = 5;
const STREAMS = 4;

function generationOf({ embeddings }: EmbedResponse): number {
  return Math.round((embeddings[0]?.values[0] ?? Number.NaN) / 10);
}

/** Not a frame failed or got lost, they came in order, and the generations only ever went up. */
function checkStream(t: ExecutionContext, { answers, failures }: LoadStream): void {
  t.deepEqual(failures, []);
  t.true(answers.every(({ frame }, index) => frame?.index === index && frame.frameId === String(index)));
  const generations = answers.map(generationOf);
  t.deepEqual(
    generations,
    [...generations].sort((a, b) => a - b),
  );
  t.deepEqual([...new Set(generations)], [1, 2, 3, 4, 5, 6]);
}

function startStreams(serving: Serving): LoadStream[] {
  return Array.from({ length: STREAMS }, (_, index) => {
    return new LoadStream(serving.client, FRAME, { model: 'means', window: [1, 4, 16, 64][index] ?? 8 });
  });
}

async function allAnswer(streams: readonly LoadStream[], number: number): Promise<void> {
  const answers = (answer: EmbedResponse) => generationOf(answer) === number;
  await Promise.all(streams.map((stream) => stream.until(`generation ${number} answers`, answers)));
}

test.serial('no frame fails while a model is reloaded by call, again and again, under load', async (t) => {
  await using serving = await Serving.start(
    (repository) => repository.addModel('means', generation(1), meansModel(8, 8)),
    ['--model-control-mode', 'explicit', '--load-model', 'means'],
  );
  using operator = await Operator.of(serving.server);
  const streams = startStreams(serving);
  await allAnswer(streams, 1);
  for (let reload = 1; reload <= RELOADS; reload++) {
    await serving.repository.configure('means', generation(reload + 1));
    await operator.client.load('means');
    await allAnswer(streams, reload + 1);
  }
  await Promise.all(streams.map((stream) => stream.stop()));
  for (const stream of streams) checkStream(t, stream);
  t.deepEqual(await operator.states(), ['means/1 READY']);
});

test.serial('no frame fails while new versions take over by polling, under load', async (t) => {
  await using serving = await Serving.start(
    (repository) => repository.addModel('means', generation(1), meansModel(8, 8)),
    ['--model-control-mode', 'poll', '--repository-poll-secs', '0.2'],
  );
  using operator = await Operator.of(serving.server);
  const streams = startStreams(serving);
  await allAnswer(streams, 1);
  for (let reload = 1; reload <= RELOADS; reload++) {
    const version = reload + 1;
    await serving.repository.addVersion('means', version, meansModel(8, 8));
    await operator.until(`means/${version} READY`);
    // The configuration is the directory's: a version that takes over may be reloaded with it.
    await serving.repository.configure('means', generation(version));
    await allAnswer(streams, version);
  }
  await Promise.all(streams.map((stream) => stream.stop()));
  for (const stream of streams) {
    checkStream(t, stream);
    const versions = stream.answers.map(({ frame }) => Number(frame?.modelVersion));
    t.deepEqual(
      versions,
      [...versions].sort((a, b) => a - b),
    );
    t.deepEqual([...new Set(versions)], [1, 2, 3, 4, 5, 6]);
  }
});

test.serial('a stream that chose a version stays with it until the version is gone', async (t) => {
  await using serving = await Serving.start(
    (repository) => repository.addModel('means', generation(1), meansModel(8, 8)),
    ['--model-control-mode', 'explicit', '--load-model', 'means'],
  );
  using operator = await Operator.of(serving.server);
  await serving.repository.configure('means', { ...generation(1), version_policy: { all: {} } });
  await serving.repository.addVersion('means', 2, meansModel(8, 8));
  await operator.client.load('means');
  const stream = new LoadStream(serving.client, FRAME, { model: 'means', version: '1' });
  await stream.until('version 1 answers', ({ frame }) => frame?.modelVersion === '1');
  await serving.repository.configure('means', generation(1));
  await operator.client.load('means');
  await stream.until('its frames fail', ({ frame }) => frame?.error?.code === 'VERSION_NOT_FOUND');
  await stream.stop();
  const failed = stream.answers.filter(({ frame }) => frame?.error !== undefined);
  t.true(failed.length > 0 && failed.length < stream.answers.length);
  t.true(failed.every(({ frame }) => /VERSION_NOT_FOUND|MODEL_NOT_READY/.test(frame?.error?.code ?? '')));
});

test.serial('unloading under load fails frames in-band, and every stream lives to see the model again', async (t) => {
  await using serving = await Serving.start(
    (repository) => repository.addModel('means', generation(1), meansModel(8, 8)),
    ['--model-control-mode', 'explicit', '--load-model', 'means'],
  );
  using operator = await Operator.of(serving.server);
  const streams = startStreams(serving);
  await allAnswer(streams, 1);
  t.is((await sluice(['models', 'unload', 'means', '--server', serving.server.grpcAddress])).code, 0);
  const refused = (answer: EmbedResponse) => answer.frame?.error?.code === 'MODEL_NOT_FOUND';
  await Promise.all(streams.map((stream) => stream.until('frames are refused', refused)));
  await operator.client.load('means');
  await allAnswer(streams, 1);
  await Promise.all(streams.map((stream) => stream.stop()));
  const codes = new Set(streams.flatMap(({ answers }) => answers.map(({ frame }) => frame?.error?.code ?? '')));
  codes.delete('MODEL_NOT_READY');
  t.deepEqual([...codes].sort(), ['', 'MODEL_NOT_FOUND']);
});

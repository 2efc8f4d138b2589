import test from 'ava';
import { embedOne } from '../support/ask.js';
import { eventually } from '../support/eventually.js';
import { LoadStream } from '../support/load-stream.js';
import { Operator } from '../support/operator.js';
import { grey } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { meansModel, slowModel } from '../support/tiny-models.js';

/** Takes next to no time. */
const QUICK = { picture: grey(0) };
/** Takes many times the timeout. */
const ENDLESS = { picture: grey(255) };

/** A server with `slow`, whose instances hang over white pictures, and `means`. */
function serve({ count = 1, scale = 1.5, batch = 1, flags = [] as string[] } = {}): Promise<Serving> {
  return Serving.start(async (repository) => {
    const config = {
      task: 'embedding',
      input: { width: 32, height: 32 },
      max_batch_size: batch,
      // Batches of more than one are full ones.
      dynamic_batching: { max_queue_delay_microseconds: batch > 1 ? 20_000_000 : 0 },
      preprocess: { scale },
      instance_group: { count, intra_op_thread_count: 1, execution_timeout_milliseconds: 400 },
    };
    await repository.addModel('slow', config, slowModel(32, 32));
    await repository.addModel('means', { task: 'embedding', input: { width: 8, height: 8 } }, meansModel(8, 8));
  }, flags);
}

/** Resolves when no thread works any more, and so none hangs. */
async function allBack(serving: Serving): Promise<void> {
  await eventually('every thread has come back', async () => {
    return (await serving.metrics.value('nodejs_active_resources', { type: 'MessagePort' })) === 0;
  });
}

async function idleInstances(serving: Serving, count: number): Promise<void> {
  await eventually(`${count} instances are idle`, async () => {
    return (await serving.metrics.value('sluice_instances', { model: 'slow', state: 'idle' })) === count;
  });
}

async function errorCode(serving: Serving, frame = QUICK): Promise<string | undefined> {
  return (await embedOne(serving.client, frame, { model: 'slow' })).frame?.error?.code;
}

function logged(serving: Serving, text: string): number {
  return serving.server.log.filter(({ msg }) => msg.includes(text)).length;
}

test.serial('a hang costs its frame INSTANCE_LOST in-band, and the stream and all others go on', async (t) => {
  await using serving = await serve({ count: 2 });
  const neighbour = new LoadStream(serving.client, QUICK, { model: 'slow' });
  const stranger = new LoadStream(serving.client, QUICK, { model: 'means' });
  const frames = [QUICK, ENDLESS, QUICK];
  const answers = [];
  for await (const answer of serving.client.embed(frames, { model: 'slow' })) answers.push(answer);
  t.is(answers.length, 3);
  const errors = answers.map(({ frame }) => frame?.error);
  t.is(errors[0], undefined);
  t.is(errors[2], undefined);
  const { status, code, message, retryable } = errors[1] ?? {};
  t.deepEqual([status, code, retryable], [14, 'INSTANCE_LOST', true]);
  t.regex(message ?? '', /no answer within 400 ms.*send the frame again/);
  await eventually('the instance is replaced', () => logged(serving, 'an instance has been replaced') === 1);
  await Promise.all([neighbour.stop(), stranger.stop()]);
  t.deepEqual([...neighbour.failures, ...stranger.failures], []);
  t.true(neighbour.answers.length > 0 && stranger.answers.length > 0);
});

test.serial('a thread that comes back after its instance was replaced breaks nothing', async (t) => {
  await using serving = await serve({ count: 2 });
  t.is(await errorCode(serving, ENDLESS), 'INSTANCE_LOST');
  await idleInstances(serving, 2);
  await allBack(serving);
  await idleInstances(serving, 2);
  for (let frame = 0; frame < 20; frame++) t.is(await errorCode(serving), undefined);
  t.is(logged(serving, 'hung'), 1);
  t.is(logged(serving, 'an instance has been replaced'), 1);
  t.is(await serving.metrics.failed('slow', 'INSTANCE_LOST'), 1);
  serving.server.signal('SIGTERM');
  t.is(await serving.server.ended(), 0);
});

test.serial('when all instances hang, all are replaced and the model answers again', async (t) => {
  await using serving = await serve({ count: 2 });
  const hung = await Promise.all([errorCode(serving, ENDLESS), errorCode(serving, ENDLESS)]);
  t.deepEqual(hung, ['INSTANCE_LOST', 'INSTANCE_LOST']);
  await idleInstances(serving, 2);
  for (let frame = 0; frame < 10; frame++) t.is(await errorCode(serving), undefined);
  await allBack(serving);
  await idleInstances(serving, 2);
  t.is(await errorCode(serving), undefined);
});

test.serial('when more hang than may be replaced, frames wait until one has come back, and are answered', async (t) => {
  await using serving = await serve({ count: 1 });
  t.is(await errorCode(serving, ENDLESS), 'INSTANCE_LOST');
  await idleInstances(serving, 1);
  t.is(await errorCode(serving, ENDLESS), 'INSTANCE_LOST');
  // Nothing but a thread that comes back makes this one possible.
  t.is(await errorCode(serving, QUICK), undefined);
  await allBack(serving);
  await idleInstances(serving, 1);
  t.is(await errorCode(serving, QUICK), undefined);
});

test.serial('a batch that hangs fails every frame in it, and no frame of another batch', async (t) => {
  await using serving = await serve({ batch: 4 });
  const frames = [QUICK, ENDLESS, QUICK, QUICK, QUICK, QUICK, QUICK, QUICK];
  const codes = [];
  for await (const { frame } of serving.client.embed(frames, { model: 'slow' })) codes.push(frame?.error?.code ?? '');
  t.deepEqual(codes, [...Array<string>(4).fill('INSTANCE_LOST'), ...Array<string>(4).fill('')]);
});

test.serial('a model can be unloaded and loaded again while a thread of it hangs', async (t) => {
  const flags = ['--model-control-mode', 'explicit', '--load-model', 'slow'];
  await using serving = await serve({ scale: 40, flags });
  using operator = await Operator.of(serving.server);
  t.is(await errorCode(serving, ENDLESS), 'INSTANCE_LOST');
  await operator.client.unload('slow');
  t.deepEqual(await operator.states(), []);
  await operator.client.load('slow');
  t.is(await errorCode(serving), undefined);
  t.true((await serving.metrics.value('nodejs_active_resources', { type: 'MessagePort' })) > 0, 'it still hangs');
});

test.serial('a server ends with 0 although a thread hangs: every frame has been answered', async (t) => {
  await using serving = await serve({ scale: 40 });
  t.is(await errorCode(serving, ENDLESS), 'INSTANCE_LOST');
  await idleInstances(serving, 1);
  serving.server.signal('SIGTERM');
  t.is(await serving.server.ended(), 0);
});

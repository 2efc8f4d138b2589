import { status as Status } from '@grpc/grpc-js';
import test from 'ava';
import { embedOne } from '../support/ask.js';
import { callError } from '../support/call-error.js';
import { eventually } from '../support/eventually.js';
import { Operator } from '../support/operator.js';
import { grey } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { meansModel, misfitModel } from '../support/tiny-models.js';

const MEANS = { task: 'embedding', input: { width: 8, height: 8 }, postprocess: { normalize: false } };
const FRAME = { picture: grey(100, 8) };

/** A server that follows its repository, with the models `stays` and `means`. */
function serve(): Promise<Serving> {
  return Serving.start(
    async (repository) => {
      for (const model of ['means', 'stays']) await repository.addModel(model, MEANS, meansModel(8, 8));
    },
    ['--model-control-mode', 'poll', '--repository-poll-secs', '0.2'],
  );
}

async function value(serving: Serving, model: string): Promise<number | undefined> {
  const { frame, embeddings } = await embedOne(serving.client, FRAME, { model });
  if (frame?.error !== undefined) throw new Error(frame.error.message);
  return embeddings[0]?.values[0];
}

test.serial('a model that is added is served', async (t) => {
  await using serving = await serve();
  using operator = await Operator.of(serving.server);
  await serving.repository.addModel('added', { ...MEANS, preprocess: { scale: 3 } }, meansModel(8, 8));
  await operator.until('added/1 READY', 'means/1 READY', 'stays/1 READY');
  t.is(await value(serving, 'added'), 300);
});

test.serial('a model that is removed is served no more, and the others stay', async (t) => {
  await using serving = await serve();
  using operator = await Operator.of(serving.server);
  await serving.repository.remove('means');
  await operator.until('stays/1 READY');
  t.is((await callError(value(serving, 'means'))).code, Status.NOT_FOUND);
  t.is(await value(serving, 'stays'), 100);
  t.is((await operator.readiness()).status, 200);
});

test.serial('a model that is removed and comes back is served again', async (t) => {
  await using serving = await serve();
  using operator = await Operator.of(serving.server);
  await serving.repository.remove('means');
  await operator.until('stays/1 READY');
  await serving.repository.addModel('means', { ...MEANS, preprocess: { scale: 2 } }, meansModel(8, 8));
  await operator.until('means/1 READY', 'stays/1 READY');
  t.is(await value(serving, 'means'), 200);
});

test.serial('a changed configuration is taken over without a restart', async (t) => {
  await using serving = await serve();
  await serving.repository.configure('means', { ...MEANS, preprocess: { scale: 2 } });
  await eventually('the new scale answers', async () => (await value(serving, 'means')) === 200);
  t.is(await value(serving, 'stays'), 100);
});

test.serial('a new version takes over from the old one, which goes', async (t) => {
  await using serving = await serve();
  using operator = await Operator.of(serving.server);
  await serving.repository.addVersion('means', 2, meansModel(8, 8));
  await operator.until('means/2 READY', 'stays/1 READY');
  t.is((await embedOne(serving.client, FRAME, { model: 'means' })).frame?.modelVersion, '2');
  await serving.repository.remove('means/2');
  await operator.until('means/1 READY', 'stays/1 READY');
});

test.serial(
  'a reload to a broken file keeps the old one serving with the reason, and a repair clears it',
  async (t) => {
    await using serving = await serve();
    using operator = await Operator.of(serving.server);
    await serving.repository.addVersion('means', 1, misfitModel(8, 8));
    const told = async () => (await operator.reasons('means')).join();
    await eventually('the reason is told', async () => /do not fit task embedding/.test(await told()));
    t.deepEqual(await operator.states(), ['means/1 READY', 'stays/1 READY']);
    t.is(await value(serving, 'means'), 100);
    t.is((await operator.readiness()).status, 200);
    await serving.repository.configure('means', { ...MEANS, preprocess: { scale: 4 } });
    await serving.repository.addVersion('means', 1, meansModel(8, 8));
    await eventually('the repaired one answers', async () => (await value(serving, 'means')) === 400);
    await eventually('the reason is gone', async () => (await told()) === '');
  },
);

test.serial(
  'a configuration that breaks keeps the old one serving with the reason, and a repair clears it',
  async (t) => {
    await using serving = await serve();
    using operator = await Operator.of(serving.server);
    await serving.repository.configure('means', 'task: embedding\ninput: { width: 8, hight: 8 }');
    const told = async () => (await operator.reasons('means')).join();
    await eventually('the reason is told', async () => /config\.yaml:2:\d+: input\.hight/.test(await told()));
    t.deepEqual(await operator.states(), ['means/1 READY', 'stays/1 READY']);
    t.is(await value(serving, 'means'), 100);
    await serving.repository.configure('means', { ...MEANS });
    await eventually('the reason is gone', async () => (await told()) === '');
    t.is(await value(serving, 'means'), 100);
  },
);

test.serial('a new version that is broken leaves the old one serving, and a repair takes over', async (t) => {
  await using serving = await serve();
  using operator = await Operator.of(serving.server);
  await serving.repository.addVersion('means', 2, new Uint8Array(50));
  await operator.until('means/1 READY', 'means/2 UNAVAILABLE', 'stays/1 READY');
  t.is(await value(serving, 'means'), 100);
  await serving.repository.addVersion('means', 2, meansModel(8, 8));
  await operator.until('means/2 READY', 'stays/1 READY');
});

test.serial('a broken model that is added is UNAVAILABLE with its reason, and gone once it is removed', async (t) => {
  await using serving = await serve();
  using operator = await Operator.of(serving.server);
  await serving.repository.configure('added', 'task: nonsense');
  await operator.until('added UNAVAILABLE', 'means/1 READY', 'stays/1 READY');
  t.regex((await operator.reasons('added')).join(), /added\/config\.yaml:1/);
  t.is(await value(serving, 'means'), 100);
  await serving.repository.remove('added');
  await operator.until('means/1 READY', 'stays/1 READY');
});

test.serial('a broken model is not tried again before it changes', async (t) => {
  await using serving = await serve();
  using operator = await Operator.of(serving.server);
  await serving.repository.addModel('added', MEANS, new Uint8Array(50));
  await operator.until('added/1 UNAVAILABLE', 'means/1 READY', 'stays/1 READY');
  // Another model comes and goes, which takes some polls.
  await serving.repository.remove('stays');
  await operator.until('added/1 UNAVAILABLE', 'means/1 READY');
  await serving.repository.addModel('stays', MEANS, meansModel(8, 8));
  await operator.until('added/1 UNAVAILABLE', 'means/1 READY', 'stays/1 READY');
  const tries = serving.server.log.filter(({ msg, model }) => model === 'added' && msg.includes('LOADING'));
  t.is(tries.length, 1);
});

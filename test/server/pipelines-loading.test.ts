import test from 'ava';
import { detectOne } from '../support/ask.js';
import { callError } from '../support/call-error.js';
import { eventually } from '../support/eventually.js';
import { Operator } from '../support/operator.js';
import { spots } from '../support/pictures.js';
import { addGrid, addSpots, addStageModels, DESCRIBE, FIND, pipelineOf, SIDE } from '../support/pipelines.js';
import { Serving } from '../support/serving.js';
import { meansModel } from '../support/tiny-models.js';

/** How pipelines load: with their models, after them, or not at all. */

const picture = spots(SIDE, SIDE, [[20, 24, 250]]);
const PEOPLE = pipelineOf([FIND, DESCRIBE]);

async function embeddings(serving: Serving, model = 'people'): Promise<number> {
  const { frame, detections } = await detectOne(serving.client, { picture }, { model });
  if (frame?.error !== undefined) throw new Error(frame.error.message);
  return detections.filter(({ embedding }) => embedding !== undefined).length;
}

test('in explicit mode the models of the stages are loaded along', async (t) => {
  await using serving = await Serving.start(
    async (repository) => {
      await addStageModels(repository);
      await repository.configure('people', PEOPLE);
    },
    ['--model-control-mode', 'explicit'],
  );
  using operator = await Operator.of(serving.server);
  t.deepEqual(await operator.states(), []);
  await operator.client.load('people');
  t.deepEqual(await operator.states(), ['grid/1 READY', 'people/1 READY', 'spots/1 READY']);
  t.is(await embeddings(serving), 1);
  await operator.client.unload('people');
  t.deepEqual(await operator.states(), ['grid/1 READY', 'spots/1 READY']);
});

test('a pipeline whose model is missing says so, and serves once it has come', async (t) => {
  await using serving = await Serving.start(
    async (repository) => {
      await addSpots(repository);
      await repository.configure('people', PEOPLE);
    },
    ['--model-control-mode', 'poll', '--repository-poll-secs', '1'],
  );
  using operator = await Operator.of(serving.server);
  t.deepEqual(await operator.states(), ['people/1 UNAVAILABLE', 'spots/1 READY']);
  t.regex((await operator.reasons('people'))[0] ?? '', /stage describe: .*"grid"/);
  const refused = await callError(detectOne(serving.client, { picture }, { model: 'people' }));
  t.regex(refused.details, /stage describe/);
  await addGrid(serving.repository);
  await operator.until('grid/1 READY', 'people/1 READY', 'spots/1 READY');
  t.is(await embeddings(serving), 1);
});

test('what does not fit together is refused at load, all of it at once', async (t) => {
  await using serving = await Serving.start(async (repository) => {
    await addStageModels(repository);
    const plain = { task: 'embedding', input: { width: 8, height: 8 } };
    await repository.addModel('means', plain, meansModel(8, 8));
    await repository.configure('broken', 'task: embedding');
    const add = (name: string, ...stages: object[]) => repository.configure(name, pipelineOf(stages));
    await add('unaligned', FIND, { ...DESCRIBE, model: 'means', regions: 'landmarks' });
    await add('backwards', { name: 'find', model: 'grid' }, { ...DESCRIBE, model: 'spots' });
    await add('nested', { name: 'find', model: 'people' });
    await add('itself', { name: 'find', model: 'itself' });
    await add('circle-a', { name: 'find', model: 'circle-b' });
    await add('circle-b', { name: 'find', model: 'circle-a' });
    await add('unloadable', FIND, { ...DESCRIBE, model: 'broken' });
    await add('outdated', FIND, { ...DESCRIBE, version: 7 });
    await add('chained', FIND, DESCRIBE, { name: 'more', model: 'means', input: 'describe' });
    await add('twice', FIND, DESCRIBE, { name: 'again', model: 'means', input: 'find' });
    await repository.configure('people', PEOPLE);
  });
  using operator = await Operator.of(serving.server);
  const refused = async (name: string, ...words: RegExp[]): Promise<void> => {
    const reason = await eventually(name, async () => (await operator.reasons(name))[0]);
    for (const word of words) t.regex(reason, word, name);
  };
  await refused('unaligned', /stage describe: .*landmarks.*model means has no preprocess.alignment/);
  await refused('backwards', /stage find: model grid has the task embedding/, /stage describe: /);
  await refused('nested', /stage find: model people is a pipeline/);
  await refused('itself', /model itself is a pipeline itself/);
  await refused('circle-a', /circle-b is a pipeline/);
  await refused('unloadable', /stage describe: .*broken.*input: the key is missing/s);
  await refused('outdated', /stage describe: .*version 7/);
  await refused('chained', /stage more: stage describe finds nothing/);
  await refused('twice', /stage again: stage describe gives each detection an embedding already/);
  t.is(await embeddings(serving), 1);
});

import { appendFile, copyFile, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { EngineCache, type CachedEngine } from '../../server/runtime/engine-cache.js';
import { engineFacts, type EngineFacts } from '../../server/runtime/engine-key.js';
import { gpu, makeInputs } from '../support/fake-gpu.js';
import { ScratchDirectory } from '../support/scratch-directory.js';

const VERSION = '10.6.0';
const GIGABYTE = 1e9;

interface Cache {
  readonly cache: EngineCache;
  readonly log: string[];
  readonly store: (facts: EngineFacts, bytes?: number, version?: string) => Promise<CachedEngine>;
}

async function openCache(directory: string, maxBytes = GIGABYTE): Promise<Cache> {
  const log: string[] = [];
  const cache = await EngineCache.create({ directory, maxBytes, log: (level, text) => log.push(`${level} ${text}`) });
  const store = async (facts: EngineFacts, bytes = 1000, version = VERSION) => {
    await using work = await cache.workDirectory();
    const planFile = join(work.path, 'model.plan');
    await writeFile(planFile, new Uint8Array(bytes).fill(7));
    const weightsFile = facts.options['stripWeights'] === true ? join(work.path, 'model.onnx') : null;
    if (weightsFile !== null) await writeFile(weightsFile, 'weights');
    const built = { tensorrt: version, gpu: 'Fake 100', computeCapability: '9.0', at: '', seconds: 1 };
    return await cache.store({
      facts,
      planFile,
      weightsFile,
      about: { built, layers: 1, activationBytes: [1], accuracy: null },
    });
  };
  return { cache, log, store };
}

const factsOf = (keys: object = {}, onnxSha256 = 'a') =>
  engineFacts(makeInputs({ tensorrt: keys }, { onnxSha256 }), gpu(), VERSION);

const plans = async (directory: string) => (await readdir(directory)).filter((name) => name.endsWith('.plan'));

test('a plan that was stored is found, by another process too, and nothing else is', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const { cache, store } = await openCache(join(scratch.path, 'deep', 'inside'));
  t.deepEqual(await cache.lookup(factsOf(), VERSION), { result: 'miss' });
  const stored = await store(factsOf());
  const other = await openCache(cache.directory);
  const lookup = await other.cache.lookup(factsOf(), VERSION);
  if (lookup.result !== 'hit') return t.fail(lookup.result);
  t.is(lookup.engine.planFile, stored.planFile);
  t.is(lookup.engine.weightsFile, null);
  t.is((await readFile(lookup.engine.planFile)).length, 1000);
  t.is(lookup.engine.sidecar.plan.bytes, 1000);
  t.deepEqual(await cache.lookup(factsOf({}, 'b'), VERSION), { result: 'miss' });
});

test('the weights of a plan without them are kept beside it', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const { cache, store } = await openCache(scratch.path);
  const facts = factsOf({ strip_weights: true });
  const { weightsFile } = await store(facts);
  t.is(await readFile(weightsFile ?? '', 'utf8'), 'weights');
  await appendFile(weightsFile ?? '', 'more');
  const lookup = await cache.lookup(facts, VERSION);
  t.is(lookup.result, 'stale');
});

type Damage = (engine: CachedEngine) => Promise<unknown>;

const sidecarOf = ({ planFile }: CachedEngine) => planFile.replace(/plan$/, 'json');

for (const [what, damage, reason] of [
  ['a plan that was cut off', ({ planFile }) => truncate(planFile, 10), /has 10 bytes instead of 1000$/],
  [
    'a plan with another content of the same length',
    ({ planFile }) => writeFile(planFile, new Uint8Array(1000).fill(8)),
    /has changed since it was written$/,
  ],
  ['a plan that is gone', ({ planFile }) => rm(planFile), /cannot be read/],
  ['a sidecar that was cut off', (engine) => truncate(sidecarOf(engine), 20), /cannot be read/],
  ['a sidecar of another program', (engine) => writeFile(sidecarOf(engine), '{}'), /is not what this version writes/],
] satisfies [string, Damage, RegExp][]) {
  test(`${what} is not used, and is gone afterwards`, async (t) => {
    await using scratch = await ScratchDirectory.create();
    const { cache, store } = await openCache(scratch.path);
    await using engine = await store(factsOf());
    await damage(engine);
    const lookup = await cache.lookup(factsOf(), VERSION);
    t.regex(lookup.result === 'stale' ? lookup.reason : lookup.result, reason);
    t.deepEqual(await cache.lookup(factsOf(), VERSION), { result: 'miss' });
    t.deepEqual(await plans(scratch.path), []);
  });
}

test('a plan under the name of another is not used, sound as it is', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const { cache, store } = await openCache(scratch.path);
  const [mine, foreign] = [await store(factsOf()), await store(factsOf({ tf32: false }))];
  for (const ending of ['plan', 'json']) {
    await copyFile(foreign.planFile.replace(/plan$/, ending), mine.planFile.replace(/plan$/, ending));
  }
  const lookup = await cache.lookup(factsOf(), VERSION);
  t.deepEqual(lookup, { result: 'stale', reason: 'it was built for something else' });
  t.is((await cache.lookup(factsOf({ tf32: false }), VERSION)).result, 'hit');
});

test('a version compatible plan runs under later versions of its major one, not under earlier ones', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const { cache, store } = await openCache(scratch.path);
  const facts = factsOf({ version_compatible: true });
  await store(facts, 10, '10.9.0');
  t.is((await cache.lookup(facts, '10.9.0')).result, 'hit');
  t.is((await cache.lookup(facts, '10.13.0')).result, 'hit');
  t.deepEqual(await cache.lookup(facts, '10.8.0'), {
    result: 'stale',
    reason: 'it was built by TensorRT 10.9.0, and this is 10.8.0',
  });
});

test('beyond the limit those go that were not used for longest, never the one just stored', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const { cache, store, log } = await openCache(scratch.path, 9000);
  const facts = ['a', 'b', 'c'].map((onnx) => factsOf({}, onnx));
  for (const [index, each] of facts.entries()) {
    const engine = await store(each, 1500);
    await engine[Symbol.asyncDispose]();
    const then = new Date(Date.now() - (10 - index) * 60_000);
    await utimes(sidecarOf(engine), then, then);
  }
  // The oldest is used, and so is no longer the first to go.
  const used = await cache.lookup(facts[0]!, VERSION);
  if (used.result === 'hit') await used.engine[Symbol.asyncDispose]();
  await store(factsOf({}, 'd'), 2000);
  t.deepEqual(await Promise.all(facts.map(async (each) => (await cache.lookup(each, VERSION)).result)), [
    'hit',
    'miss',
    'hit',
  ]);
  t.is(log.length, 1);
  await store(factsOf({}, 'e'), 50_000);
  t.is((await cache.lookup(factsOf({}, 'e'), VERSION)).result, 'hit', 'over the limit by itself');
});

test('a plan in use stays, whatever the limit, until it is not used any more', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const { store } = await openCache(scratch.path, 0);
  const engine = await store(factsOf({}, 'a'));
  await store(factsOf({}, 'b'));
  t.is((await plans(scratch.path)).length, 2);
  await engine[Symbol.asyncDispose]();
  await store(factsOf({}, 'c'));
  t.false((await plans(scratch.path)).some((name) => engine.planFile.endsWith(name)));
});

test('a mark of use whose process is gone keeps nothing', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const { store } = await openCache(scratch.path, 0);
  const engine = await store(factsOf({}, 'a'));
  const [mark = ''] = (await readdir(scratch.path)).filter((name) => name.endsWith('.use'));
  const owner = JSON.parse(await readFile(join(scratch.path, mark), 'utf8')) as object;
  await writeFile(join(scratch.path, mark), JSON.stringify({ ...owner, started: '1' }));
  await store(factsOf({}, 'b'));
  t.false((await plans(scratch.path)).some((name) => engine.planFile.endsWith(name)));
});

test('what a build that died has left is removed when the cache is opened, what runs is not', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const { cache } = await openCache(scratch.path);
  await using running = await cache.workDirectory();
  const owner = JSON.parse(await readFile(join(running.path, 'owner'), 'utf8')) as object;
  await scratch.write('work-dead/owner', JSON.stringify({ ...owner, started: '1' }));
  await scratch.write('work-dead/model.plan', 'half');
  await openCache(scratch.path);
  const left = (await readdir(scratch.path)).filter((name) => name.startsWith('work-'));
  t.deepEqual(left, [running.path.split('/').at(-1)!]);
});

test('a directory that cannot be made is told with the flag to set', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const file = await scratch.write('file', '');
  const create = EngineCache.create({ directory: join(file, 'plans'), maxBytes: 1, log: () => {} });
  await t.throwsAsync(create, { code: 'INTERNAL', message: /cannot be kept in .*set --engine-cache to a directory/ });
});

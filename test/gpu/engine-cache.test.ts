import { copyFile, mkdtemp, open, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ServerProcess } from '../../clients/typescript/server-process.js';
import { SluiceClient } from '../../clients/typescript/sluice-client.js';
import { detectOne } from '../support/ask.js';
import { foundAt } from '../support/close-to.js';
import { sluice } from '../support/sluice-command.js';
import { boxOf, cellsInside, lightCells } from '../support/spot-pictures.js';
import { TestRepository } from '../support/test-repository.js';
import { spotsModel } from '../support/tiny-models.js';
import { FP32, ON_GPU } from './gpu-serving.js';

/** What is in the cache is only used when it is what was put there. */

const INPUT = { width: 64, height: 64 };
const SIZE = { width: 96, height: 64 };
const CELLS = cellsInside(SIZE, INPUT);

let repository: TestRepository;
let caches: string;

test.before(async () => {
  caches = await mkdtemp(join(tmpdir(), 'sluice-plans-'));
  repository = await TestRepository.create();
  // A height apart, so that they have plans of their own.
  for (const [name, height] of [
    ['spots', 64],
    ['other', 32],
  ] as const) {
    const input = { width: 64, height };
    const config = { task: 'centerface', input, max_batch_size: 2, ...ON_GPU, tensorrt: FP32 };
    await repository.addModel(name, config, spotsModel(64, height));
  }
});

test.after.always(async () => {
  await repository?.[Symbol.asyncDispose]();
  await rm(caches, { recursive: true, force: true });
});

/** Starts a server on a cache, looks whether it finds a spot, and resolves with what it logged about the model. */
async function served(t: ExecutionContext, cache: string): Promise<string[]> {
  await using server = await ServerProcess.start({
    modelRepository: repository.directory,
    flags: ['--engine-cache', cache, '--log-level', 'info'],
  });
  using client = await SluiceClient.connect(server.grpcAddress);
  const picture = lightCells(SIZE, INPUT, [CELLS[5]!]);
  const { frame, detections } = await detectOne(client, { picture }, { model: 'spots' });
  t.is(frame?.error, undefined);
  foundAt(t, detections, [boxOf(CELLS[5]!, SIZE, INPUT)], 0.1);
  return server.log.filter((line) => JSON.stringify(line).includes('spots')).map(({ msg }) => msg);
}

/** A cache of its own that holds sound plans of both models; the files of the plan of `spots`. */
async function filledCache(t: ExecutionContext): Promise<{ cache: string; plan: string; sidecar: string }> {
  const cache = await mkdtemp(join(caches, 'cache-'));
  const explicit = ['--model-repository', repository.directory, '--engine-cache', cache];
  const built = await sluice(['build', ...explicit, 'spots']);
  t.is(built.code, 0, built.stderr);
  const [file, ...others] = (await readdir(cache)).filter((name) => name.endsWith('.plan'));
  t.deepEqual(others, [], 'one model was asked for');
  const all = await sluice(['build', ...explicit]);
  t.is(all.code, 0, all.stderr);
  t.is((await readdir(cache)).filter((name) => name.endsWith('.plan')).length, 2);
  const plan = join(cache, file!);
  return { cache, plan, sidecar: plan.replace(/plan$/, 'json') };
}

const builds = (log: readonly string[]) => log.filter((line) => /built the plan for GPU 0/.test(line)).length;
const refusals = (log: readonly string[]) => log.filter((line) => line.includes('the plan in the cache is not used'));

test('a plan that `sluice build` made is served as it is', async (t) => {
  const { cache } = await filledCache(t);
  const log = await served(t, cache);
  t.is(builds(log), 0, log.join('\n'));
  t.deepEqual(refusals(log), []);
});

test('a plan that is not there is built once', async (t) => {
  const cache = await mkdtemp(join(caches, 'cache-'));
  t.is(builds(await served(t, cache)), 1);
  t.is(builds(await served(t, cache)), 0);
});

/** Damages a cache and passes when the plan is built anew, with that reason in the log, and is sound from then on. */
async function rebuilt(
  t: ExecutionContext,
  damage: (files: { cache: string; plan: string; sidecar: string }) => Promise<void>,
  reason: RegExp,
): Promise<void> {
  const files = await filledCache(t);
  await damage(files);
  const log = await served(t, files.cache);
  const [refusal, ...more] = refusals(log);
  t.regex(refusal ?? log.join('\n'), reason);
  t.deepEqual(more, []);
  t.is(builds(log), 1);
  const after = await served(t, files.cache);
  t.is(builds(after), 0);
  t.deepEqual(refusals(after), []);
}

test('a plan with a byte turned around is built anew', (t) =>
  rebuilt(
    t,
    async ({ plan }) => {
      const file = await open(plan, 'r+');
      const { size } = await file.stat();
      const byte = Buffer.alloc(1);
      await file.read(byte, 0, 1, size >> 1);
      byte[0] = byte[0]! ^ 0x5a;
      await file.write(byte, 0, 1, size >> 1);
      await file.close();
    },
    /has changed since it was written/,
  ));

test('a plan that was cut off is built anew', (t) =>
  rebuilt(t, ({ plan }) => truncate(plan, 1000), /has 1000 bytes instead of \d+/));

test('a plan with the sidecar of another is built anew', (t) =>
  rebuilt(
    t,
    async ({ cache, sidecar }) => {
      const others = (await readdir(cache)).filter((name) => name.endsWith('.json')).map((name) => join(cache, name));
      await copyFile(
        others.find((name) => name !== sidecar)!,
        sidecar,
      );
    },
    /it was built for something else/,
  ));

test('a plan whose sidecar is no JSON is built anew', (t) =>
  rebuilt(t, ({ sidecar }) => truncate(sidecar, 20), /cannot be read/));

import { status as Status } from '@grpc/grpc-js';
import test from 'ava';
import { RepositoryClient, ModelState } from '../../clients/typescript/repository-client.js';
import { addDouble, serveDoubles } from '../support/doubled-workers.js';
import { eventually } from '../support/eventually.js';
import { Operator } from '../support/operator.js';
import type { Serving } from '../support/serving.js';

const EXPLICIT = ['--model-control-mode', 'explicit', '--processes', '2'];

/** How many processes have a model READY. */
async function readyIn(serving: Serving, model: string): Promise<number> {
  const [share, processes] = await Promise.all([
    serving.metrics.value('sluice_model_state', { model, state: 'READY' }),
    serving.metrics.value('sluice_instances', { model, state: 'idle' }),
  ]);
  if (processes > 0 && share !== 1) throw new Error(`${model} is READY in a share of ${share}`);
  return processes;
}

async function failureOf(call: Promise<void>): Promise<{ code: number; details: string }> {
  return call.then(
    () => {
      throw new Error('the call was expected to fail');
    },
    (error: unknown) => error as { code: number; details: string },
  );
}

test.serial('a model is loaded and unloaded in every process, whichever the call reaches', async (t) => {
  await using serving = await serveDoubles({ one: [], two: [] }, EXPLICIT);
  using first = await RepositoryClient.connect(serving.server.grpcAddress);
  t.deepEqual(await first.list(), []);
  await first.load('one');
  t.is(await readyIn(serving, 'one'), 2);
  await Promise.all([first.load('two'), first.load('two'), first.unload('one')]);
  t.deepEqual([await readyIn(serving, 'one'), await readyIn(serving, 'two')], [0, 2]);
  t.deepEqual(
    (await first.list()).map(({ name, state }) => [name, state]),
    [['two', ModelState.MODEL_STATE_READY]],
  );
});

test.serial('what cannot be loaded or unloaded is told once, as by one process', async (t) => {
  await using serving = await serveDoubles({ bad: ['refuse', 'refuse'] }, EXPLICIT);
  using client = await RepositoryClient.connect(serving.server.grpcAddress);
  const missing = await failureOf(client.load('missing'));
  t.deepEqual([missing.code, missing.details], [Status.NOT_FOUND, 'the repository has no model directory "missing"']);
  t.is((await failureOf(client.unload('missing'))).code, Status.NOT_FOUND);
  const refused = await failureOf(client.load('bad'));
  t.is(refused.code, Status.FAILED_PRECONDITION);
  t.regex(refused.details, /^model bad was not loaded: load \d refused$/);
});

test.serial('a process that takes the place of another loads what is loaded by then, and nothing else', async (t) => {
  await using serving = await serveDoubles({ start: [], gone: [] }, [...EXPLICIT, '--load-model', '*']);
  using operator = await Operator.of(serving.server);
  await addDouble(serving.repository, 'later');
  await addDouble(serving.repository, 'never');
  await operator.client.load('later');
  await operator.client.unload('gone');
  const pids = serving.server.log.filter(({ msg }) => msg === 'process started').map(({ pid }) => Number(pid));
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await eventually(
    'both are replaced',
    () => serving.server.log.filter(({ msg }) => msg === 'process started').length === 4,
  );
  await eventually('the server is ready', async () => (await operator.readiness()).ready);
  const shares = ['start', 'later', 'gone', 'never'].map((model) => readyIn(serving, model));
  t.deepEqual(await Promise.all(shares), [2, 2, 0, 0]);
});

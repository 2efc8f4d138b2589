import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { status as Status } from '@grpc/grpc-js';
import test from 'ava';
import { command, serveDoubles } from '../support/doubled-workers.js';
import { eventually } from '../support/eventually.js';
import { HealthClient } from '../support/health-client.js';
import { embedFrame, embedOptions } from '../support/messages.js';
import { Operator } from '../support/operator.js';
import { sluice } from '../support/sluice-command.js';
import type { LoadCommand } from '../support/worker-double.js';

test.serial('a GPU that is lost ends the server with 4, after it has answered what it could', async (t) => {
  await using serving = await serveDoubles({ gpu: [], cpu: [] });
  using health = new HealthClient(serving.server.grpcAddress);
  using operator = await Operator.of(serving.server);
  const watches = ['', 'gpu', 'cpu'].map((name) => health.watch(name));
  await eventually('all serve', () => watches.every(({ now }) => now === 'SERVING'));
  const file = join(serving.repository.directory, 'released');
  const idle = serving.wire.embed();
  idle.send(embedOptions({ model: 'cpu' }), embedFrame(command('answer')));
  await idle.answered(1);
  const busy = serving.wire.embed();
  busy.send(embedOptions({ model: 'cpu' }), embedFrame(command(`hold ${file}`)));
  await serving.metrics.untilBusy('cpu');

  const lost = serving.wire.embed();
  lost.send(embedOptions({ model: 'gpu', window: 8 }), embedFrame(command('DEVICE_LOST')));
  const [answer] = await lost.answered(1);
  const { code, status, retryable } = answer?.frame?.error ?? {};
  t.deepEqual([code, status, retryable], ['DEVICE_LOST', Status.UNAVAILABLE, true]);
  for (const call of [lost, idle]) t.is((await call.status).code, Status.UNAVAILABLE);
  await eventually('the watches are told', () => watches.every(({ now }) => now === 'NOT_SERVING'));
  const readiness = await operator.readiness();
  t.is(readiness.status, 503);
  t.is(readiness.reason, 'a GPU is lost: the batch refused');
  t.deepEqual(
    readiness.not_ready.map(({ model, state }) => `${model} ${state}`),
    ['cpu UNAVAILABLE', 'gpu UNAVAILABLE'],
  );
  t.is(await serving.metrics.value('sluice_model_state', { model: 'cpu', state: 'READY' }), 0);

  await writeFile(file, '');
  t.is((await busy.status).code, Status.UNAVAILABLE);
  t.is(busy.answers[0]?.frame?.error, undefined);
  for (const watch of watches) t.is((await watch.ended).code, Status.OK);
  t.is(await serving.server.ended(), 4);
  const fatal = serving.server.log.filter(({ level }) => level === 60);
  t.deepEqual(
    fatal.map(({ reason }) => reason),
    ['the batch refused'],
  );
});

test.serial('what is queued for a GPU that is lost fails with DEVICE_LOST, too', async (t) => {
  await using serving = await serveDoubles({ gpu: [] });
  const call = serving.wire.embed();
  call.send(embedOptions({ window: 8 }), ...Array.from({ length: 4 }, () => embedFrame(command('DEVICE_LOST'))));
  call.end();
  const answers = await call.answered(4);
  t.deepEqual(
    answers.map(({ frame }) => frame?.error?.code),
    Array(4).fill('DEVICE_LOST'),
  );
  t.is(await serving.server.ended(), 4);
});

test.serial(
  'frames that nobody answers any more are cut at --exit-timeout; the exit code is 4 all the same',
  async (t) => {
    await using serving = await serveDoubles({ gpu: [], cpu: [] }, ['--exit-timeout', '0.5']);
    const busy = serving.wire.embed();
    const never = join(serving.repository.directory, 'never');
    busy.send(embedOptions({ model: 'cpu' }), embedFrame(command(`hold ${never}`)));
    await serving.metrics.untilBusy('cpu');
    const lost = serving.wire.embed();
    lost.send(embedOptions({ model: 'gpu' }), embedFrame(command('DEVICE_LOST')));
    t.is(await serving.server.ended(), 4);
    t.is((await busy.status).code, Status.UNAVAILABLE);
  },
);

test.serial('a GPU that is lost in one process ends all of them, and the server with 4', async (t) => {
  await using serving = await serveDoubles({ gpu: [] }, ['--processes', '2']);
  const pids = serving.server.log.filter(({ msg }) => msg === 'process started').map(({ pid }) => Number(pid));
  t.is(new Set(pids).size, 2);
  const lost = serving.wire.embed();
  lost.send(embedFrame(command('DEVICE_LOST')));
  t.is(await serving.server.ended(), 4);
  for (const pid of pids) t.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  t.is(serving.server.log.filter(({ msg }) => msg === 'process stopped').length, 2);
});

for (const processes of ['1', '2']) {
  test.serial(
    `a model that the device has no memory for leaves the others serving, with ${processes} processes`,
    async (t) => {
      const flags = ['--model-control-mode', 'explicit', '--load-model', 'small', '--processes', processes];
      const refusals = Array<LoadCommand>(2 * Number(processes)).fill('DEVICE_OUT_OF_MEMORY');
      await using serving = await serveDoubles({ small: [], large: refusals }, flags);
      using operator = await Operator.of(serving.server);
      const error = await t.throwsAsync(operator.client.load('large'));
      t.is((error as { code?: number } | undefined)?.code, Status.RESOURCE_EXHAUSTED);
      const { code, stderr } = await sluice(['models', 'load', 'large', '--server', serving.server.grpcAddress]);
      t.is(code, 1);
      t.regex(stderr, /RESOURCE_EXHAUSTED: model large was not loaded: load \d refused/);
      t.deepEqual(await operator.states(), ['large/1 UNAVAILABLE', 'small/1 READY']);
      const call = serving.wire.embed();
      call.send(embedOptions({ model: 'small' }), embedFrame(command('answer')));
      t.is((await call.answered(1))[0]?.frame?.error, undefined);
      // There is room again.
      await operator.client.load('large');
      t.deepEqual(await operator.states(), ['large/1 READY', 'small/1 READY']);
    },
  );
}

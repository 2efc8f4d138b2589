import { once } from 'node:events';
import { connect } from 'node:http2';
import { status as Status } from '@grpc/grpc-js';
import test from 'ava';
import { eventually } from '../support/eventually.js';
import { endlessModel } from '../support/endless-load.js';
import { HealthClient } from '../support/health-client.js';
import { embedFrame, embedOptions } from '../support/messages.js';
import { Operator } from '../support/operator.js';
import { grey } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { SluiceCommand } from '../support/sluice-command.js';
import { TestRepository } from '../support/test-repository.js';
import { slowModel } from '../support/tiny-models.js';
import { Wire } from '../support/wire-call.js';

/** Milliseconds of work, and a second or so of it. */
const QUICK = grey(0);
const SLOW = grey(3);

/** Never comes to its end in a test. */
const LONG = '600';

function serve(...flags: string[]): Promise<Serving> {
  return Serving.start(async (repository) => {
    const config = {
      task: 'embedding',
      input: { width: 32, height: 32 },
      max_batch_size: 1,
      preprocess: { scale: 40 },
      instance_group: { count: 1, intra_op_thread_count: 1, execution_timeout_milliseconds: 600_000 },
    };
    await repository.addModel('slow', config, slowModel(32, 32));
  }, flags);
}

function said(serving: Serving, step: string): boolean {
  return serving.server.log.some(({ msg }) => msg === step);
}

for (const processes of ['1', '2']) {
  test.serial(
    `during --drain-delay everything is taken, and everybody is told to go (--processes ${processes})`,
    async (t) => {
      await using serving = await serve('--drain-delay', LONG, '--processes', processes);
      using health = new HealthClient(serving.server.grpcAddress);
      using operator = await Operator.of(serving.server);
      const [server, model] = [health.watch(''), health.watch('slow')];
      await eventually('it serves', () => server.now === 'SERVING' && model.now === 'SERVING');
      const before = serving.wire.embed();
      before.send(embedOptions({}), embedFrame(QUICK));
      await before.answered(1);

      serving.server.signal('SIGTERM');
      await eventually('the watches are told', () => server.now === 'NOT_SERVING' && model.now === 'NOT_SERVING');
      const { status, ready, reason } = await operator.readiness();
      t.deepEqual([status, ready], [503, false]);
      t.regex(reason ?? '', /shutting down/);
      t.is((await fetch(`http://${serving.server.httpAddress}/livez`)).status, 200);

      before.send(embedFrame(QUICK));
      await before.answered(2);
      const sameConnection = serving.wire.embed();
      using wire = new Wire(serving.server.grpcAddress);
      const newConnection = wire.embed();
      for (const call of [sameConnection, newConnection]) {
        call.send(embedFrame(QUICK));
        t.is((await call.finish()).code, Status.OK);
        t.deepEqual([call.answers.length, call.answers[0]?.frame?.error], [1, undefined]);
      }
      t.false(said(serving, 'closing'));
      t.false(said(serving, 'stopped'));
    },
  );
}

test.serial('NOT_SERVING, then GOAWAY, then the running streams end, then the process, with 0', async (t) => {
  await using serving = await serve('--drain-delay', '0.5');
  using health = new HealthClient(serving.server.grpcAddress);
  const watch = health.watch('');
  await eventually('it serves', () => watch.now === 'SERVING');
  const order: string[] = [];
  const session = connect(`http://${serving.server.grpcAddress}`);
  await once(session, 'remoteSettings');
  session.once('goaway', (code) => order.push(`GOAWAY ${code}, and the watch says ${watch.now}`));
  const running = serving.wire.embed();
  void running.status.then(({ code }) => order.push(`the running stream ends with ${Status[code]}`));
  running.send(embedOptions({ window: 2 }), embedFrame(SLOW), embedFrame(SLOW));
  running.end();
  const idle = serving.wire.embed();
  idle.send(embedOptions({}));
  await serving.metrics.untilBusy('slow');
  await serving.metrics.untilQueued('slow', 1);

  serving.server.signal('SIGTERM');
  t.is(await serving.server.ended(), 0);
  order.push('the process has ended');
  const late = serving.wire.embed();
  late.send(embedFrame(QUICK));

  const [{ code, details }, { code: lateCode }] = await Promise.all([idle.status, late.status]);
  t.is(code, Status.UNAVAILABLE);
  t.regex(details, /shutting down.*elsewhere/);
  t.is(lateCode, Status.UNAVAILABLE);
  t.deepEqual(order, [
    'GOAWAY 0, and the watch says NOT_SERVING',
    'the running stream ends with OK',
    'the process has ended',
  ]);
  t.deepEqual(
    running.answers.map(({ frame }) => frame?.error),
    [undefined, undefined],
  );
  t.is((await watch.ended).code, Status.OK);
  const steps = serving.server.log.map(({ msg }) => msg).filter((msg) => /^(draining|closing|stopped)$/.test(msg));
  t.deepEqual(steps, ['draining', 'closing', 'stopped']);
});

test.serial('processes that share a port drain in the same order, and the server ends with 0', async (t) => {
  await using serving = await serve('--drain-delay', '0.5', '--processes', '2');
  const running = serving.wire.embed();
  running.send(embedFrame(SLOW));
  running.end();
  await serving.metrics.untilBusy('slow');
  serving.server.signal('SIGTERM');
  t.is(await serving.server.ended(), 0);
  t.is((await running.status).code, Status.OK);
  t.is(running.answers[0]?.frame?.error, undefined);
  for (const process of [1, 2]) {
    const own = serving.server.log.filter((line) => line['process'] === process).map(({ msg }) => msg);
    const steps = own.filter((msg) => /^process (draining|closing|stopped)$/.test(msg));
    t.deepEqual(steps, ['process draining', 'process closing', 'process stopped']);
  }
});

test.serial('a second signal ends the server at once, also during --drain-delay', async (t) => {
  await using serving = await serve('--drain-delay', LONG);
  serving.server.signal('SIGTERM');
  await eventually('it drains', () => said(serving, 'draining'));
  serving.server.signal('SIGTERM');
  t.is(await serving.server.ended(), 'SIGTERM');
});

test.serial('a server that is still starting has no delay: nobody was sent to it yet', async (t) => {
  await using repository = await TestRepository.create();
  const config = { task: 'embedding', input: { width: 32, height: 32 }, instance_group: { count: 1 } };
  await repository.addModel('endless', config, endlessModel(32, 32));
  const free = '127.0.0.1:0';
  const flags = ['--model-repository', repository.directory, '--grpc-address', free, '--http-address', free];
  const server = new SluiceCommand(['serve', ...flags, '--drain-delay', LONG, '--exit-timeout', '5']);
  await eventually('it loads', () => server.stdout.includes('model endless is LOADING'));
  server.signal('SIGTERM');
  const { code, stdout } = await server.ended();
  t.is(code, 0);
  t.true(stdout.includes('"closing"'));
});

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { status as Status } from '@grpc/grpc-js';
import test from 'ava';
import { command, serveDoubles } from '../support/doubled-workers.js';
import { eventually } from '../support/eventually.js';
import { HealthClient } from '../support/health-client.js';
import { embedFrame, embedOptions } from '../support/messages.js';
import { Operator } from '../support/operator.js';
import type { Serving } from '../support/serving.js';
import { Wire } from '../support/wire-call.js';

/** The processes that serve, by number: those that took another's place count. */
function pids(serving: Serving): Map<number, number> {
  const started = serving.server.log.filter(({ msg }) => msg === 'process started');
  return new Map(started.map(({ process: number, pid }) => [Number(number), Number(pid)]));
}

function serve(flags: readonly string[] = []): Promise<Serving> {
  return serveDoubles({ model: [] }, ['--processes', '2', ...flags]);
}

async function untilReady(operator: Operator): Promise<void> {
  await eventually('the server is ready', async () => (await operator.readiness()).ready);
}

async function untilReplaced(serving: Serving, number: number, before: number): Promise<void> {
  await eventually(`process ${number} is replaced`, () => pids(serving).get(number) !== before);
}

async function untilGone(pid: number): Promise<void> {
  await eventually(`process ${pid} is gone`, () => {
    try {
      return !process.kill(pid, 0);
    } catch {
      return true;
    }
  });
}

/** A stream on a connection of its own, with one answered frame. */
async function openStream(serving: Serving) {
  const wire = new Wire(serving.server.grpcAddress);
  const call = wire.embed();
  call.send(embedOptions({ window: 8 }), embedFrame(command('answer')));
  await call.answered(1);
  return { wire, call };
}

/** Connections of each process. */
function connections(serving: Serving): Promise<number[]> {
  const count = (process: string) => serving.metrics.value('sluice_connections_open', { process });
  return Promise.all(['1', '2'].map(count));
}

/** Two streams, one in each process: connections are handed out in turn. */
async function streamInEach(serving: Serving) {
  const [before] = await connections(serving);
  const one = await openStream(serving);
  const inFirst = (await connections(serving))[0] !== before;
  const other = await openStream(serving);
  return inFirst ? ([one, other] as const) : ([other, one] as const);
}

test.serial('two processes answer on one port, each has half of the connections, and metrics add up', async (t) => {
  await using serving = await serve();
  const before = await connections(serving);
  const streams = [];
  for (let stream = 0; stream < 6; stream++) streams.push(await openStream(serving));
  const after = await connections(serving);
  t.deepEqual(
    after.map((count, place) => count - (before[place] ?? 0)),
    [3, 3],
  );
  t.is(await serving.metrics.value('sluice_requests_total', { model: 'model' }), 6);
  t.is(await serving.metrics.value('sluice_streams_open', { call: 'Embed' }), 6);
  t.is(await serving.metrics.value('sluice_instances', { model: 'model', state: 'idle' }), 2);
  t.is(await serving.metrics.value('sluice_model_state', { model: 'model', state: 'READY' }), 1);
  t.is(await serving.metrics.value('sluice_processes', { state: 'ready' }), 2);
  for (const { wire, call } of streams) {
    await call.finish();
    wire[Symbol.dispose]();
  }
  await eventually('they are gone', async () => (await connections(serving)).join() === before.join());
});

test.serial('the log tells once where the server listens and that it has started', async (t) => {
  await using serving = await serve();
  for (const step of ['starting', 'listening', 'started']) {
    t.is(serving.server.log.filter(({ msg }) => msg === step).length, 1, step);
  }
  t.regex(serving.server.grpcAddress, /^127\.0\.0\.1:[1-9]\d*$/);
  t.is(new Set(pids(serving).values()).size, 2);
});

test.serial('a process that is killed ends its streams with UNAVAILABLE, no other, and is replaced', async (t) => {
  await using serving = await serve();
  using operator = await Operator.of(serving.server);
  const [first, second] = await streamInEach(serving);
  const killed = pids(serving).get(1)!;
  const counted = await serving.metrics.value('sluice_requests_total', { model: 'model' });
  process.kill(killed, 'SIGKILL');
  t.is((await first.call.status).code, Status.UNAVAILABLE);
  second.call.send(embedFrame(command('answer')));
  await second.call.answered(2);
  const line = serving.server.log.find(({ msg }) => msg === 'a server process has ended');
  t.deepEqual([line?.level, line?.['process'], line?.['how']], [50, 1, 'SIGKILL']);
  await untilReplaced(serving, 1, killed);
  await untilReady(operator);
  t.is(await serving.metrics.value('sluice_processes_ended_total'), 1);
  t.is(await serving.metrics.value('sluice_requests_total', { model: 'model' }), counted + 1, 'counters go on');
  const again = await streamInEach(serving);
  for (const { wire } of [first, second, ...again]) wire[Symbol.dispose]();
});

test.serial('while a process is replaced the server is alive and not ready, and says which', async (t) => {
  await using serving = await serve();
  using operator = await Operator.of(serving.server);
  t.true((await operator.readiness()).ready);
  process.kill(pids(serving).get(2)!, 'SIGKILL');
  const readiness = await eventually('it is not ready', async () => {
    const now = await operator.readiness();
    return now.ready ? undefined : now;
  });
  t.regex(readiness.reason ?? '', /^process 2: (it has ended and is being replaced|it is starting|the .* is starting)/);
  t.is((await fetch(`http://${serving.server.httpAddress}/livez`)).status, 200);
  await untilReady(operator);
});

test.serial('the port 0 stays the same although all processes end at once', async (t) => {
  await using serving = await serve();
  const before = pids(serving);
  for (const pid of before.values()) process.kill(pid, 'SIGKILL');
  for (const [number, pid] of before) await untilReplaced(serving, number, pid);
  const [first, second] = await streamInEach(serving);
  t.is(first.call.answers.length + second.call.answers.length, 2);
  for (const { wire } of [first, second]) wire[Symbol.dispose]();
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test.serial(`${signal} drains all processes: frames in flight are answered, the exit code is 0`, async (t) => {
    await using serving = await serve();
    const streams = await streamInEach(serving);
    const idle = await streamInEach(serving);
    using health = new HealthClient(serving.server.grpcAddress);
    const watch = health.watch('');
    const file = join(serving.repository.directory, 'released');
    for (const { call } of streams) call.send(embedFrame(command(`hold ${file}`)));
    await serving.metrics.untilBusy('model', 2);
    serving.server.signal(signal);
    for (const { call } of idle) t.is((await call.status).code, Status.UNAVAILABLE);
    await eventually('the watch is told', () => watch.now === 'NOT_SERVING');
    t.is((await fetch(`http://${serving.server.httpAddress}/readyz`)).status, 503);
    await writeFile(file, '');
    for (const { call } of streams) {
      t.is((await call.status).code, Status.UNAVAILABLE);
      t.deepEqual(
        call.answers.map(({ frame }) => frame?.error),
        [undefined, undefined],
      );
    }
    t.is(await serving.server.ended(), 0);
    t.is(serving.server.log.at(-1)?.msg, 'stopped');
    for (const { wire } of [...streams, ...idle]) wire[Symbol.dispose]();
  });
}

test.serial('a frame that takes too long in one process is cut at --exit-timeout: exit code 3', async (t) => {
  await using serving = await serve(['--exit-timeout', '0.5']);
  const { wire, call } = await openStream(serving);
  call.send(embedFrame(command(`hold ${join(serving.repository.directory, 'never')}`)));
  await serving.metrics.untilBusy('model');
  serving.server.signal('SIGTERM');
  t.is(await serving.server.ended(), 3);
  t.is((await call.status).code, Status.UNAVAILABLE);
  wire[Symbol.dispose]();
});

test.serial('a second signal ends the server at once, with all its processes', async (t) => {
  await using serving = await serve();
  const { wire, call } = await openStream(serving);
  call.send(embedFrame(command(`hold ${join(serving.repository.directory, 'never')}`)));
  await serving.metrics.untilBusy('model');
  serving.server.signal('SIGTERM');
  await eventually('it drains', () => serving.server.log.some(({ msg }) => msg === 'draining'));
  serving.server.signal('SIGTERM');
  t.is(await serving.server.ended(), 'SIGTERM');
  for (const pid of pids(serving).values()) await untilGone(pid);
  t.is((await call.status).code, Status.UNAVAILABLE);
  wire[Symbol.dispose]();
});

test.serial('processes do not outlive the one that watches over them', async (t) => {
  await using serving = await serve();
  serving.server.signal('SIGKILL');
  for (const pid of pids(serving).values()) await untilGone(pid);
  t.is(await serving.server.ended(), 'SIGKILL');
});

test.serial('processes that are told to stop one after the other are replaced, and nothing fails', async (t) => {
  await using serving = await serve();
  using operator = await Operator.of(serving.server);
  for (const [number, pid] of pids(serving)) {
    const { wire, call } = (await streamInEach(serving))[number - 1]!;
    const file = join(serving.repository.directory, `released-${number}`);
    call.send(embedFrame(command(`hold ${file}`)));
    await serving.metrics.untilBusy('model');
    process.kill(pid, 'SIGTERM');
    await writeFile(file, '');
    t.is((await call.status).code, Status.UNAVAILABLE);
    t.is(call.answers[1]?.frame?.error, undefined);
    await untilReplaced(serving, number, pid);
    await untilReady(operator);
    wire[Symbol.dispose]();
  }
  serving.server.signal('SIGTERM');
  t.is(await serving.server.ended(), 0);
  const ends = serving.server.log.filter(({ msg }) => msg === 'a server process has ended');
  t.deepEqual(
    ends.map(({ level, how }) => [level, how]),
    [
      [30, 0],
      [30, 0],
    ],
  );
});

test.serial('a process that does not answer makes the server unfit to live until it does', async (t) => {
  await using serving = await serve();
  const live = async () => {
    const response = await fetch(`http://${serving.server.httpAddress}/livez`);
    return [response.status, ((await response.json()) as { reason?: string }).reason];
  };
  using operator = await Operator.of(serving.server);
  const pid = pids(serving).get(2)!;
  process.kill(pid, 'SIGSTOP');
  t.deepEqual(await live(), [503, 'does not answer: process 2']);
  t.is((await operator.readiness()).reason, 'process 2: it does not answer');
  process.kill(pid, 'SIGCONT');
  await untilReady(operator);
  t.deepEqual(await live(), [200, undefined]);
});

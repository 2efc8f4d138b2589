import { Writable } from 'node:stream';
import test from 'ava';
import { pino } from 'pino';
import { ENDPOINTS } from '../../server/http/endpoints.js';
import { HttpServer, type HttpServerOptions } from '../../server/http/http-server.js';
import { Metrics } from '../../server/http/metrics.js';
import type { Readiness } from '../../server/http/readiness.js';
import { OPEN_ENTRANCE } from '../support/open-entrance.js';
import { NO_REST } from '../support/no-rest.js';
import { timings } from '../support/recording-statistics.js';

const READY: Readiness = { ready: true, reason: null, not_ready: [] };
const LOCAL = { host: '127.0.0.1', port: 0 };

async function start(options: Partial<HttpServerOptions> = {}): Promise<HttpServer> {
  return await HttpServer.create({
    rest: NO_REST,
    address: LOCAL,
    metrics: new Metrics(() => []),
    readiness: () => READY,
    entrance: OPEN_ENTRANCE,
    page: null,
    logger: pino({ level: 'silent' }),
    ...options,
  });
}

async function get(server: HttpServer, path: string, init?: RequestInit): Promise<Response> {
  return await fetch(`http://127.0.0.1:${server.address.port}${path}`, init);
}

test('port 0 takes a free port and tells which', async (t) => {
  await using server = await start();
  t.is(server.address.host, '127.0.0.1');
  t.true(server.address.port > 0);
});

test('/livez answers 200 whatever the readiness is', async (t) => {
  await using server = await start({ readiness: () => ({ ...READY, ready: false }) });
  const response = await get(server, '/livez');
  t.is(response.status, 200);
  t.deepEqual(await response.json(), { live: true });
});

test('/readyz flips with the readiness and names what is not ready', async (t) => {
  let readiness: Readiness = {
    ready: false,
    reason: null,
    not_ready: [{ model: 'face', version: 1, state: 'UNAVAILABLE', reason: 'the file is cut short' }],
  };
  await using server = await start({ readiness: () => readiness });
  const before = await get(server, '/readyz');
  t.is(before.status, 503);
  t.deepEqual(await before.json(), readiness);
  readiness = READY;
  const after = await get(server, '/readyz');
  t.is(after.status, 200);
  t.deepEqual(await after.json(), READY);
  readiness = { ready: false, reason: 'the server is shutting down', not_ready: [] };
  t.is((await get(server, '/readyz')).status, 503);
});

test('/metrics answers in the text format of Prometheus', async (t) => {
  const metrics = new Metrics(() => []);
  await using server = await start({ metrics });
  metrics.forModel('face', 1).succeeded(timings(1000), 1);
  const response = await get(server, '/metrics');
  t.is(response.status, 200);
  t.regex(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  t.regex(await response.text(), /^sluice_requests_total\{model="face",version="1"\} 1$/m);
});

test('/ lists the endpoints, and each of them answers', async (t) => {
  await using server = await start();
  const index = (await (await get(server, '/')).json()) as { endpoints: Record<string, string> };
  t.deepEqual(index.endpoints, { ...ENDPOINTS });
  for (const path of Object.keys(index.endpoints)) t.is((await get(server, path)).status, 200, path);
});

test('answers are never stored by a proxy', async (t) => {
  await using server = await start();
  for (const path of ['/livez', '/readyz', '/nothing']) {
    t.is((await get(server, path)).headers.get('cache-control'), 'no-store', path);
  }
});

test('another path or method is a 404 that says where to look', async (t) => {
  await using server = await start();
  for (const [method, path] of [
    ['GET', '/health'],
    ['POST', '/livez'],
    ['DELETE', '/metrics'],
  ] as const) {
    const response = await get(server, path, { method });
    t.is(response.status, 404, path);
    const { error } = (await response.json()) as { error: string };
    t.is(error, `there is no ${method} ${path}; GET / lists the endpoints`);
  }
});

test('a body is refused, a broken one too', async (t) => {
  await using server = await start();
  const headers = { 'content-type': 'application/json' };
  t.is((await get(server, '/livez', { method: 'POST', headers, body: 'x'.repeat(10_000) })).status, 413);
  t.true((await get(server, '/livez', { method: 'POST', headers, body: '{' })).status < 500);
});

test('a fault is logged under an id, and only the id is told', async (t) => {
  const logged: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged.push(chunk.toString());
      done();
    },
  });
  const readiness = () => {
    throw new Error('secret detail');
  };
  await using server = await start({ readiness, logger: pino(sink) });
  const response = await get(server, '/readyz');
  t.is(response.status, 500);
  const body = await response.text();
  t.false(body.includes('secret'));
  const id = /under id ([0-9a-f-]{36})/.exec(body)?.[1] ?? 'none';
  t.true(logged.some((line) => line.includes(id) && line.includes('secret detail')));
});

test('a probe leaves no line in the log', async (t) => {
  const logged: string[] = [];
  const logger = pino(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        logged.push(chunk.toString());
        done();
      },
    }),
  );
  await using server = await start({ logger });
  const before = logged.length;
  await (await get(server, '/livez')).text();
  await (await get(server, '/nothing')).text();
  t.is(logged.length, before);
});

test('a port that is taken is an error that names the port and the flag', async (t) => {
  await using server = await start();
  const { port } = server.address;
  await t.throwsAsync(start({ address: { host: '127.0.0.1', port } }), {
    message: new RegExp(`127\\.0\\.0\\.1:${port}: port ${port} is taken; .*--http-address`),
  });
});

test('an address that is not of this machine is an error that says so', async (t) => {
  await t.throwsAsync(start({ address: { host: '192.0.2.1', port: 0 } }), {
    message: /this machine has no address 192\.0\.2\.1; .*--http-address/,
  });
});

test('the server ends although a connection is kept alive', async (t) => {
  const server = await start();
  await (await get(server, '/livez')).text();
  await server[Symbol.asyncDispose]();
  await t.throwsAsync(get(server, '/livez'), { instanceOf: TypeError });
});

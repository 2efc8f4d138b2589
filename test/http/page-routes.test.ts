import { Writable } from 'node:stream';
import test from 'ava';
import { pino } from 'pino';
import { ServingError, type ErrorCode } from '../../server/core/errors.js';
import { ENDPOINTS, PAGE_ENDPOINTS } from '../../server/http/endpoints.js';
import { HttpServer } from '../../server/http/http-server.js';
import { MergedMetrics } from '../../server/http/merged-metrics.js';
import { Metrics, type MetricsSource } from '../../server/http/metrics.js';
import type { PageSource } from '../../server/http/page-routes.js';
import type { ServerStatus } from '../../server/http/server-status.js';
import type { TriedPicture } from '../../server/http/try-routes.js';
import { OPEN_ENTRANCE } from '../support/open-entrance.js';
import { NO_REST } from '../support/no-rest.js';
import { timings } from '../support/recording-statistics.js';

const READY = { ready: true, reason: null, not_ready: [] };

const REPORT = {
  processes: 1,
  errors: [],
  models: [
    {
      name: 'face',
      task: 'centerface' as const,
      versions: [{ version: 1, state: 'READY' as const, reason: null, devices: ['GPU 0'] }],
    },
    { name: 'lost', task: null, versions: [{ version: 0, state: 'UNAVAILABLE' as const, reason: 'why', devices: [] }] },
  ],
};

const READING = {
  index: 0,
  uuid: 'GPU-a',
  name: 'NVIDIA X',
  utilization: 0.5,
  memoryTotalBytes: 1000,
  memoryUsedBytes: 250,
  powerWatts: NaN,
  powerLimitWatts: 700,
  energyJoules: 1,
  temperatureCelsius: 41,
  jpegUtilization: 0.25,
};

interface Setting {
  readonly metrics?: MetricsSource;
  readonly page?: Partial<PageSource> | null;
  readonly log?: (line: string) => void;
}

async function start({ metrics = new Metrics(() => []), page = {}, log = () => {} }: Setting = {}) {
  const source: PageSource = {
    version: '1.2.3',
    maxPictureBytes: 1000,
    report: async () => REPORT,
    tryPicture: async () => ({}),
    ...page,
  };
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log(chunk.toString());
      done();
    },
  });
  return await HttpServer.create({
    rest: NO_REST,
    address: { host: '127.0.0.1', port: 0 },
    metrics,
    readiness: () => READY,
    page: page === null ? null : source,
    entrance: OPEN_ENTRANCE,
    logger: pino(sink),
  });
}

async function get(server: HttpServer, path: string, init?: RequestInit): Promise<Response> {
  return await fetch(`http://127.0.0.1:${server.address.port}${path}`, init);
}

function post(server: HttpServer, path: string): Promise<Response> {
  return get(server, path, { method: 'POST', headers: { 'content-type': 'image/png' }, body: 'picture' });
}

const HTML = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } };

test('/ is the page for browsers, and lists the endpoints for others', async (t) => {
  await using server = await start();
  const page = await get(server, '/', HTML);
  t.is(page.headers.get('content-type'), 'text/html; charset=utf-8');
  t.is(page.headers.get('vary'), 'accept');
  t.regex(await page.text(), /<title>Sluice<\/title>/);
  const list = await get(server, '/');
  t.deepEqual(await list.json(), { name: 'sluice', endpoints: { ...ENDPOINTS, ...PAGE_ENDPOINTS } });
});

test('without the page there are probes and metrics only', async (t) => {
  await using server = await start({ page: null });
  t.deepEqual(await (await get(server, '/', HTML)).json(), { name: 'sluice', endpoints: { ...ENDPOINTS } });
  for (const path of ['/v1/status', '/page/main.js']) t.is((await get(server, path)).status, 404, path);
  t.is((await post(server, '/v1/models/face/try')).status, 404);
});

test('every file of the page has its type and may not be taken for another', async (t) => {
  await using server = await start();
  const html = await (await get(server, '/', HTML)).text();
  const files = [...html.matchAll(/(?:src|href)="(page\/[^"]+)"/g)].map(([, path]) => path ?? '');
  t.deepEqual(
    files.map((path) => path.split('.').at(-1)),
    ['svg', 'css', 'js'],
  );
  for (const path of files) {
    const response = await get(server, `/${path}`);
    t.is(response.status, 200, path);
    t.regex(response.headers.get('content-type') ?? '', /^(text\/css|text\/javascript|image\/svg\+xml)/);
    t.is(response.headers.get('x-content-type-options'), 'nosniff', path);
    t.regex(response.headers.get('content-security-policy') ?? '', /^default-src 'none'/);
  }
});

test('what is no file of the page is not there', async (t) => {
  await using server = await start();
  const paths = [
    'main.ts',
    'main.js.map',
    'tsconfig.json',
    '..%2Fhttp-server.js',
    '__proto__',
    '%2e%2e%2fmetrics.js',
    '',
  ];
  for (const path of paths) t.is((await get(server, `/page/${path}`)).status, 404, path);
});

test('/v1/status tells what the report and the metrics say, each in its place', async (t) => {
  const gauges = {
    model: 'face',
    version: 1,
    state: 'READY',
    queue: { requests: 2, bytes: 30 },
    instances: { total: 4, idle: 1 },
    sequences: null,
  } as const;
  const gpus = { read: () => [READING], warn: () => {}, now: () => 0 };
  const metrics = new Metrics(() => [gauges], { connections: () => 3, gpus });
  const statistics = metrics.forModel('face', 1);
  for (const milliseconds of [0.15, 3, 30_000]) statistics.succeeded(timings(milliseconds * 1000), 1);
  statistics.failed(new ServingError('BAD_IMAGE', 'bad'), 0);
  statistics.failed(new ServingError('FRAME_DROPPED', 'newer'), 0);
  // Another version and another model, which must not count.
  metrics.forModel('face', 2).succeeded(timings(1), 1);
  metrics.forModel('face1', 1).succeeded(timings(1), 1);
  await using server = await start({ metrics });
  const status = (await (await get(server, '/v1/status')).json()) as ServerStatus;
  t.like(status, { name: 'sluice', version: '1.2.3', readiness: READY, processes: 1, connections: 3, errors: [] });
  t.true(status.uptime_seconds > 0);
  const [face, lost] = status.models;
  t.like(face, { name: 'face', task: 'centerface', call: 'detect', input: 'picture' });
  const { durations, ...figures } = face!.versions[0]!;
  t.deepEqual(figures, {
    ...REPORT.models[0]!.versions[0]!,
    requests: 5,
    failures: 1,
    dropped: 1,
    instances: { idle: 1, busy: 3 },
    queue: { requests: 2, bytes: 30 },
  });
  const within = (seconds: number) => durations[status.duration_bounds.indexOf(seconds)];
  t.deepEqual([within(0.0001), within(0.0002), within(0.002), within(0.005), within(10)], [0, 1, 1, 2, 2]);
  t.is(durations.at(-1), 3);
  t.like(lost, { name: 'lost', task: null, call: null, input: null });
  t.like(lost!.versions[0], { state: 'UNAVAILABLE', reason: 'why', requests: 0, durations: [] });
  t.deepEqual(status.gpus, [
    {
      gpu: '0',
      name: 'NVIDIA X',
      utilization: 0.5,
      memory_used_bytes: 250,
      memory_total_bytes: 1000,
      temperature_celsius: 41,
    },
  ]);
});

test('/v1/status of several processes has the sums', async (t) => {
  const processes = [1, 2].map((number) => {
    const metrics = new Metrics(() => [], { process: number, connections: () => number });
    metrics.forModel('face', 1).succeeded(timings(1000), 1);
    return metrics;
  });
  const metrics = new MergedMetrics(async () => ({
    snapshots: await Promise.all(processes.map((process) => process.snapshot())),
    total: 2,
    ready: 2,
  }));
  await using server = await start({ metrics });
  const status = (await (await get(server, '/v1/status')).json()) as ServerStatus;
  t.is(status.connections, 3);
  t.like(status.models[0]!.versions[0], { requests: 2, failures: 0 });
  t.is(status.models[0]!.versions[0]!.durations.at(-1), 2);
  t.is(status.models[0]!.versions[0]!.durations.length, status.duration_bounds.length + 1);
});

test('a picture is handed on with its model, version and options', async (t) => {
  const tried: TriedPicture[] = [];
  const tryPicture = async (picture: TriedPicture) => {
    tried.push(picture);
    return { found: 1 };
  };
  await using server = await start({ page: { tryPicture } });
  const answer = await post(server, '/v1/models/a%20b/try?x=1&y=a%26b&x=2');
  t.deepEqual(await answer.json(), { found: 1 });
  await post(server, '/v1/models/face/versions/12/try');
  t.deepEqual(
    tried.map(({ model, version, options, picture }) => [model, version, options, Buffer.from(picture).toString()]),
    [
      ['a b', null, { x: '1,2', y: 'a&b' }, 'picture'],
      ['face', 12, {}, 'picture'],
    ],
  );
});

const STATUSES: readonly [ErrorCode, number][] = [
  ['MODEL_NOT_FOUND', 404],
  ['MODEL_NOT_READY', 503],
  ['QUEUE_FULL', 429],
  ['MESSAGE_TOO_LARGE', 413],
  ['BAD_IMAGE', 400],
  ['CONFIG_INVALID', 409],
  ['DEADLINE_EXCEEDED', 504],
  ['TASK_NOT_SUPPORTED', 501],
  ['DEVICE_LOST', 503],
  ['INTERNAL', 500],
];

for (const [code, status] of STATUSES) {
  test(`${code} is told with the status ${status}`, async (t) => {
    const error = new ServingError(code, 'what to change');
    await using server = await start({ page: { tryPicture: () => Promise.reject(error) } });
    const answer = await post(server, '/v1/models/face/try');
    t.is(answer.status, status);
    t.deepEqual(await answer.json(), { error: 'what to change', code, retryable: error.retryable });
  });
}

test('a fault of ours is logged under an id, and only the id is told', async (t) => {
  const logged: string[] = [];
  const tryPicture = () => Promise.reject(new Error('secret detail'));
  await using server = await start({ page: { tryPicture }, log: (line) => logged.push(line) });
  const answer = await post(server, '/v1/models/face/try');
  t.is(answer.status, 500);
  const body = await answer.text();
  t.false(body.includes('secret'));
  const id = /under id ([0-9a-f-]{36})/.exec(body)?.[1] ?? 'none';
  t.true(logged.some((line) => line.includes(id) && line.includes('secret detail')));
});

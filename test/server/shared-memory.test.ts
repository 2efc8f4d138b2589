import { status as Status, type ServiceError } from '@grpc/grpc-js';
import test from 'ava';
import { eventually } from '../support/eventually.js';
import { inferMessage, KserveClient, outputsOf } from '../support/kserve-client.js';
import { perfAnalyzer } from '../support/perf-analyzer.js';
import { sendRest } from '../support/rest-client.js';
import { Segment } from '../support/segment.js';
import { Serving } from '../support/serving.js';
import { BYTES, fails, parameters, shared, VALUES } from '../support/shared-tensors.js';
import { addSubModel, identityModel } from '../support/tensor-models.js';
import { tensor } from '../support/tensors.js';
import { runTritonScript } from '../support/triton-client.js';

const ALLOWED = ['--allow-client-shm', 'true'];

const serve = (...flags: readonly string[]) =>
  Serving.start(async (repository) => {
    await repository.addVersion('model', 1, identityModel());
    await repository.addVersion('add_sub', 1, addSubModel());
  }, flags);

function register(client: KserveClient, name: string, key: string, byteSize: number, offset = 0) {
  return client.call('systemSharedMemoryRegister', { name, key, offset: BigInt(offset), byteSize: BigInt(byteSize) });
}

/** The segment of a test: 64 bytes of input behind 16 others, and room for as many more. */
function segmentOf(): Segment {
  const bytes = new Uint8Array(256);
  bytes.set(BYTES, 16);
  return new Segment(bytes);
}

test('every process reads inputs from shared memory and writes outputs there, which the answer points to', async (t) => {
  await using serving = await serve(...ALLOWED, '--processes', '2');
  using segment = segmentOf();
  using client = new KserveClient(serving.server.grpcAddress);
  await register(client, 'r', `/${segment.key}`, 248, 8);
  for (let index = 0; index < 6; index++) {
    using other = new KserveClient(serving.server.grpcAddress);
    const { regions } = await other.call('systemSharedMemoryStatus', { name: '' });
    t.deepEqual(regions, { r: { name: 'r', key: `/${segment.key}`, offset: 8n, byteSize: 248n } });
    await fails(t, register(other, 'r', segment.key, 10), Status.ALREADY_EXISTS, /"r"/);
    const at = 72 + 8 * index;
    const answer = await other.infer(shared(parameters('r', 64, 8), parameters('r', 100, at)));
    t.deepEqual(answer.outputs[0]?.parameters, parameters('r', 64, at));
    t.deepEqual(
      answer.rawOutputContents.map(({ length }) => length),
      [0],
    );
    t.deepEqual(segment.bytes.slice(8 + at, 72 + at), BYTES);
  }
  await client.call('systemSharedMemoryUnregister', { name: '' });
  for (let index = 0; index < 6; index++) {
    using other = new KserveClient(serving.server.grpcAddress);
    t.deepEqual(await other.call('systemSharedMemoryStatus', { name: '' }), { regions: {} });
    await fails(t, other.call('systemSharedMemoryStatus', { name: 'r' }), Status.NOT_FOUND, /no region "r"/);
    await fails(t, other.infer(shared(parameters('r', 64, 8))), Status.NOT_FOUND, /no region "r"/);
  }
});

test('a process that takes the place of another has its regions', async (t) => {
  await using serving = await serve(...ALLOWED, '--processes', '2');
  using segment = segmentOf();
  using client = new KserveClient(serving.server.grpcAddress);
  await register(client, 'r', segment.key, 256);
  const started = () => serving.server.log.filter(({ msg }) => msg === 'process started');
  process.kill(Number(started()[0]?.['pid']), 'SIGKILL');
  await eventually('the process is replaced', () => started().length === 3);
  for (let index = 0; index < 6; index++) {
    using other = new KserveClient(serving.server.grpcAddress);
    t.is(outputsOf(await other.infer(shared(parameters('r', 64, 16))))['OUTPUT0']?.data.length, 64);
  }
});

test('what does not fit is refused by the name of the tensor or the region, and the server goes on', async (t) => {
  await using serving = await serve(...ALLOWED);
  using segment = segmentOf();
  using client = new KserveClient(serving.server.grpcAddress);
  await register(client, 'r', segment.key, 128, 16);
  const text = { parameterChoice: { $case: 'stringParam' as const, stringParam: '64' } };
  const { shared_memory_region: region } = parameters('r', 0);
  const { shared_memory_byte_size: size } = parameters('r', 64);
  for (const [request, code, details] of [
    [shared(parameters('q', 64)), Status.NOT_FOUND, /no region "q"/],
    [shared(parameters('r', 60)), Status.INVALID_ARGUMENT, /tensor "INPUT0" is FP32 \[1, 16\], 64 bytes, and has 60/],
    [shared(parameters('r', 64, 65)), Status.INVALID_ARGUMENT, /region "r" .* has 128 bytes/],
    [shared(parameters('r', 64, -1)), Status.INVALID_ARGUMENT, /region "r"/],
    [shared(parameters('r', -64)), Status.INVALID_ARGUMENT, /region "r"/],
    [shared({ shared_memory_region: region! }), Status.INVALID_ARGUMENT, /"INPUT0" .* no shared_memory_byte_size/],
    [shared({ shared_memory_region: text, shared_memory_byte_size: text }), Status.INVALID_ARGUMENT, /whole number/],
    [shared({ shared_memory_region: size!, shared_memory_byte_size: size! }), Status.INVALID_ARGUMENT, /be a text/],
    [shared(parameters('r', 64), parameters('q', 64)), Status.NOT_FOUND, /no region "q"/],
    [
      shared(parameters('r', 64), parameters('r', 63, 64)),
      Status.INVALID_ARGUMENT,
      /output of 64 bytes, .* gives it 63/,
    ],
    [shared(parameters('r', 64), parameters('r', 65, 64)), Status.INVALID_ARGUMENT, /region "r" .* has 128 bytes/],
    [
      shared(parameters('r', 64), undefined, { rawInputContents: [BYTES] }),
      Status.INVALID_ARGUMENT,
      /raw_input_contents has 1 entries for 0 inputs/,
    ],
  ] as const) {
    await fails(t, client.infer(request), code, details);
  }
  const bytes = segment.bytes;
  t.deepEqual(bytes.slice(16, 80), BYTES);
  t.true(bytes.slice(80).every((value) => value === 0));
  await client.infer(shared(parameters('r', 64), parameters('r', 64, 64)));
  t.deepEqual(segment.bytes.slice(80, 144), BYTES);
  await fails(t, register(client, 's', '../etc/passwd', 10), Status.INVALID_ARGUMENT, /region "s" .* without a path/);
  await fails(t, register(client, 's', segment.key, 257), Status.INVALID_ARGUMENT, /region "s" .* which has 256/);
});

test('inputs and outputs in shared memory may stand beside those in the message', async (t) => {
  await using serving = await serve(...ALLOWED);
  using segment = new Segment(new Uint8Array(Int32Array.from({ length: 32 }, (_, index) => index).buffer));
  using client = new KserveClient(serving.server.grpcAddress);
  await register(client, 'r', segment.key, 128);
  const ones = tensor('INPUT1', 'INT32', [1, 16], new Int32Array(16).fill(1));
  const answer = await client.infer(
    inferMessage('add_sub', [], {
      inputs: [
        { name: 'INPUT0', datatype: 'INT32', shape: [1n, 16n], parameters: parameters('r', 64) },
        { name: 'INPUT1', datatype: 'INT32', shape: [1n, 16n] },
      ],
      outputs: [{ name: 'OUTPUT0', parameters: parameters('r', 64, 64) }, { name: 'OUTPUT1' }],
      rawInputContents: [ones.data],
    }),
  );
  const ints = (data: Uint8Array) => [...new Int32Array(new Uint8Array(data).buffer)];
  t.deepEqual(
    ints(segment.bytes.subarray(64)),
    Array.from({ length: 16 }, (_, index) => index + 1),
  );
  t.deepEqual(
    ints(outputsOf(answer)['OUTPUT1']!.data),
    Array.from({ length: 16 }, (_, index) => index - 1),
  );
});

test('the REST form of the protocol has the same regions, in every process', async (t) => {
  await using serving = await serve(...ALLOWED, '--processes', '2');
  using segment = segmentOf();
  using client = new KserveClient(serving.server.grpcAddress);
  const ask = (path: string, body: object | null) =>
    sendRest(serving.server.httpAddress, path, body === null ? null : Buffer.from(JSON.stringify(body)), {});
  const regions = '/v2/systemsharedmemory';
  const said = { key: segment.key, offset: 16, byte_size: 240 };
  t.is((await ask(`${regions}/region/r/register`, said)).status, 200);
  t.is((await ask(`${regions}/region/r/register`, said)).status, 409);
  for (const wrong of [{}, { ...said, byte_size: 300 }, { ...said, byte_size: '1' }, { ...said, key: 1 }]) {
    t.is((await ask(`${regions}/region/s/register`, wrong)).status, 400);
  }
  t.deepEqual((await ask(`${regions}/status`, null)).json, [{ name: 'r', ...said }]);
  t.deepEqual((await ask(`${regions}/region/r/status`, null)).json, [{ name: 'r', ...said }]);
  t.is((await ask(`${regions}/region/q/status`, null)).status, 404);
  const place = (offset: number) => ({
    shared_memory_region: 'r',
    shared_memory_byte_size: 64,
    ...(offset === 0 ? {} : { shared_memory_offset: offset }),
  });
  const input = { name: 'INPUT0', datatype: 'FP32', shape: [1, 16], parameters: place(0) };
  const outputs = [{ name: 'OUTPUT0', parameters: place(80) }];
  const { json } = await ask('/v2/models/model/infer', { inputs: [input], outputs });
  t.deepEqual(json.outputs, [{ name: 'OUTPUT0', datatype: 'FP32', shape: [1, 16], parameters: place(80) }]);
  t.deepEqual(segment.bytes.slice(96, 160), BYTES);
  t.deepEqual((await ask('/v2/models/model/infer', { inputs: [input] })).json.outputs[0].data, [...VALUES]);
  const twice = { inputs: [{ ...input, data: [...VALUES] }] };
  t.is((await ask('/v2/models/model/infer', twice)).status, 400);
  await client.infer(shared(parameters('r', 64)));
  t.is((await ask(`${regions}/region/r/unregister`, {})).status, 200);
  t.deepEqual((await ask(`${regions}/status`, null)).json, []);
});

test('without --allow-client-shm a tensor in shared memory is refused', async (t) => {
  await using serving = await serve();
  using client = new KserveClient(serving.server.grpcAddress);
  await fails(t, client.infer(shared(parameters('r', 64))), Status.INVALID_ARGUMENT, /"INPUT0" .*--allow-client-shm/);
  await fails(t, register(client, 'r', 'r', 64), Status.UNIMPLEMENTED, /--allow-client-shm/);
});

test('segments that shrink and regions that come and go under load leave right answers or a reason', async (t) => {
  await using serving = await serve(...ALLOWED, '--processes', '2');
  using segment = segmentOf();
  const clients = Array.from({ length: 4 }, () => new KserveClient(serving.server.grpcAddress));
  const codes = new Map<number, number>();
  let running = true;
  const load = clients.map(async (client, index) => {
    const at = 80 + index * 16;
    while (running) {
      try {
        const answer = await client.infer(shared(parameters('r', 64, 16), parameters('r', 64, at)));
        t.deepEqual(answer.outputs[0]?.parameters, parameters('r', 64, at));
        codes.set(Status.OK, (codes.get(Status.OK) ?? 0) + 1);
      } catch (error) {
        const { code } = error as ServiceError;
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
    }
  });
  using operator = new KserveClient(serving.server.grpcAddress);
  for (let round = 0; round < 60; round++) {
    await register(operator, 'r', segment.key, 256);
    segment.resize(round % 3 === 0 ? 8 : 256);
    await operator.call('systemSharedMemoryUnregister', { name: round % 2 === 0 ? 'r' : '' });
    segment.resize(256);
  }
  running = false;
  await Promise.all(load);
  for (const client of clients) client[Symbol.dispose]();
  const known: readonly number[] = [Status.OK, Status.INVALID_ARGUMENT, Status.NOT_FOUND];
  t.deepEqual(
    [...codes.keys()].filter((code) => !known.includes(code)),
    [],
  );
  using fresh = segmentOf();
  await register(operator, 'fresh', fresh.key, 256);
  await operator.infer(shared(parameters('fresh', 64, 16), parameters('fresh', 64, 128)));
  t.deepEqual(fresh.bytes.slice(128, 192), BYTES);
});

test("Triton's Python client shares memory with the server", async (t) => {
  await using serving = await serve(...ALLOWED);
  const { code, lines, stderr } = await runTritonScript('test/server/shared_memory_client.py', [
    serving.server.grpcAddress,
  ]);
  t.is(code, 0, `after "${lines.at(-1)}": ${stderr}`);
  t.is(lines.at(-1), 'everything is unregistered');
});

test('perf_analyzer measures with shared memory', async (t) => {
  await using serving = await serve(...ALLOWED);
  const { code, output, points } = await perfAnalyzer(
    serving.server.grpcAddress,
    'model',
    '--shared-memory=system',
    '--measurement-mode=count_windows',
    '--measurement-request-count=50',
    '--stability-percentage=999',
  );
  t.is(code, 0, output);
  t.true(points[0]!.inferencesPerSecond > 0);
});

import { status as Status } from '@grpc/grpc-js';
import test from 'ava';
import { eventually } from '../support/eventually.js';
import { handleOf, serveGpuMemory } from '../support/fake-gpu-memory.js';
import { KserveClient, outputsOf } from '../support/kserve-client.js';
import { sendRest } from '../support/rest-client.js';
import { ScratchDirectory } from '../support/scratch-directory.js';
import { Segment } from '../support/segment.js';
import { Serving } from '../support/serving.js';
import { BYTES, fails, parameters, shared, VALUES } from '../support/shared-tensors.js';
import { identityModel } from '../support/tensor-models.js';
import type { TestRepository } from '../support/test-repository.js';

const fill = async (repository: TestRepository): Promise<void> => {
  const config = { task: 'tensors', instance_group: { kind: 'KIND_CPU', count: 1 } };
  await repository.addModel('model', config, identityModel());
};

/** An allocation of 256 bytes with the input at 16. */
function allocation(): Segment {
  const bytes = new Uint8Array(256);
  bytes.set(BYTES, 16);
  return new Segment(bytes);
}

function register(client: KserveClient, name: string, rawHandle: Uint8Array, byteSize: number, device = 0) {
  const message = { name, rawHandle, deviceId: BigInt(device), byteSize: BigInt(byteSize) };
  return client.call('cudaSharedMemoryRegister', message);
}

test('every process reads inputs from memory of a GPU and writes outputs there, also one that takes the place of another', async (t) => {
  await using scratch = await ScratchDirectory.create();
  await using serving = await serveGpuMemory(scratch, fill, ['--processes', '2']);
  using memory = allocation();
  using client = new KserveClient(serving.server.grpcAddress);
  await register(client, 'g', handleOf(memory), 240);
  const told = { regions: { g: { name: 'g', deviceId: 0n, byteSize: 240n } } };
  const askAll = async (): Promise<void> => {
    for (let index = 0; index < 6; index++) {
      using other = new KserveClient(serving.server.grpcAddress);
      t.deepEqual(await other.call('cudaSharedMemoryStatus', { name: '' }), told);
      await fails(t, register(other, 'g', handleOf(memory), 240), Status.ALREADY_EXISTS, /"g"/);
      const at = 80 + 8 * index;
      const answer = await other.infer(shared(parameters('g', 64, 16), parameters('g', 100, at)));
      t.deepEqual(answer.outputs[0]?.parameters, parameters('g', 64, at));
      t.deepEqual(memory.bytes.slice(at, at + 64), BYTES);
    }
  };
  await askAll();
  const started = () => serving.server.log.filter(({ msg }) => msg === 'process started');
  process.kill(Number(started()[0]?.['pid']), 'SIGKILL');
  await eventually('the process is replaced', () => started().length === 3);
  await askAll();
  await client.call('cudaSharedMemoryUnregister', { name: '' });
  for (let index = 0; index < 6; index++) {
    using other = new KserveClient(serving.server.grpcAddress);
    t.deepEqual(await other.call('cudaSharedMemoryStatus', { name: '' }), { regions: {} });
    await fails(t, other.infer(shared(parameters('g', 64, 16))), Status.NOT_FOUND, /no region "g"/);
  }
});

test('what does not fit memory of a GPU is refused by the name of the region, and the server goes on', async (t) => {
  await using scratch = await ScratchDirectory.create();
  await using serving = await serveGpuMemory(scratch, fill);
  using memory = allocation();
  using client = new KserveClient(serving.server.grpcAddress);
  const handle = handleOf(memory);
  const invalid = Status.INVALID_ARGUMENT;
  for (const [name, given, byteSize, device, details] of [
    ['g', handle.subarray(1), 64, 0, /region "g" .* handle of 63 bytes; raw_handle must be the 64/],
    ['g', new Uint8Array(0), 64, 0, /handle of 0 bytes/],
    ['g', handle, 0, 0, /region "g" .* has 0 bytes/],
    ['g', handle, 257, 0, /region "g" .* the allocation has 256 bytes/],
    ['g', handle, 64, 1, /region "g" .* is on GPU 1, and the server has 0 \(Fake 100\)/],
    ['g', handle, 64, -1, /is on GPU -1/],
    ['g', handleOf({ key: 'nobody' }), 64, 0, /region "g" .* handle cannot be opened on GPU 0/],
    ['', handle, 64, 0, /must have a name/],
  ] as const) {
    await fails(t, register(client, name, given, byteSize, device), invalid, details);
  }
  t.deepEqual(await client.call('cudaSharedMemoryStatus', { name: '' }), { regions: {} });
  await register(client, 'g', handle, 128);
  for (const [request, code, details] of [
    [shared(parameters('h', 64)), Status.NOT_FOUND, /no region "h"/],
    [shared(parameters('g', 64, 65)), invalid, /region "g" .* has 128 bytes/],
    [shared(parameters('g', 60)), invalid, /tensor "INPUT0" is FP32 \[1, 16\], 64 bytes, and has 60/],
    [shared(parameters('g', 64), parameters('g', 63, 64)), invalid, /output of 64 bytes, .* gives it 63/],
  ] as const) {
    await fails(t, client.infer(request), code, details);
  }
  const { bytes } = memory;
  t.deepEqual(bytes.slice(16, 80), BYTES);
  t.deepEqual(bytes.slice(80), new Uint8Array(176));
  const answer = await client.infer(shared(parameters('g', 64, 16)));
  t.deepEqual(new Uint8Array(outputsOf(answer)['OUTPUT0']!.data), BYTES);
});

test('memory of GPUs and of the system share one set of names, and each is unregistered as what it is', async (t) => {
  await using scratch = await ScratchDirectory.create();
  await using serving = await serveGpuMemory(scratch, fill, ['--processes', '2']);
  using memory = allocation();
  using segment = new Segment(new Uint8Array(64));
  using client = new KserveClient(serving.server.grpcAddress);
  await register(client, 'g', handleOf(memory), 256);
  const system = (name: string) =>
    client.call('systemSharedMemoryRegister', { name, key: segment.key, offset: 0n, byteSize: 64n });
  await fails(t, system('g'), Status.ALREADY_EXISTS, /"g"/);
  await system('s');
  await fails(t, register(client, 's', handleOf(memory), 256), Status.ALREADY_EXISTS, /"s"/);
  await client.infer(shared(parameters('g', 64, 16), parameters('s', 64)));
  t.deepEqual(segment.bytes, BYTES);
  const [asSystem, asCuda] = [/"g" .* CUDA shared memory; unregister it as that/, /"s" .* system shared memory/];
  await fails(t, client.call('systemSharedMemoryUnregister', { name: 'g' }), Status.INVALID_ARGUMENT, asSystem);
  await fails(t, client.call('cudaSharedMemoryUnregister', { name: 's' }), Status.INVALID_ARGUMENT, asCuda);
  await fails(t, client.call('systemSharedMemoryStatus', { name: 'g' }), Status.NOT_FOUND, /"g"/);
  await client.call('systemSharedMemoryUnregister', { name: '' });
  t.deepEqual(await client.call('systemSharedMemoryStatus', { name: '' }), { regions: {} });
  t.deepEqual(Object.keys((await client.call('cudaSharedMemoryStatus', { name: 'g' })).regions), ['g']);
  const { extensions } = await client.call('serverMetadata', {});
  t.true(extensions.includes('cuda_shared_memory'), extensions.join());
});

test('the REST form of the protocol has memory of GPUs, too', async (t) => {
  await using scratch = await ScratchDirectory.create();
  await using serving = await serveGpuMemory(scratch, fill);
  using memory = allocation();
  const ask = (path: string, body: object | null) =>
    sendRest(serving.server.httpAddress, path, body === null ? null : Buffer.from(JSON.stringify(body)), {});
  const regions = '/v2/cudasharedmemory';
  const b64 = Buffer.from(handleOf(memory)).toString('base64');
  const said = { raw_handle: { b64 }, device_id: 0, byte_size: 256 };
  for (const wrong of [{}, { ...said, raw_handle: b64 }, { ...said, device_id: '0' }, { ...said, byte_size: 1.5 }]) {
    t.is((await ask(`${regions}/region/g/register`, wrong)).status, 400);
  }
  t.is((await ask(`${regions}/region/g/register`, said)).status, 200);
  t.is((await ask(`${regions}/region/g/register`, said)).status, 409);
  const told = [{ name: 'g', device_id: 0, byte_size: 256 }];
  t.deepEqual((await ask(`${regions}/status`, null)).json, told);
  t.deepEqual((await ask(`${regions}/region/g/status`, null)).json, told);
  t.is((await ask(`${regions}/region/h/status`, null)).status, 404);
  const place = { shared_memory_region: 'g', shared_memory_byte_size: 64, shared_memory_offset: 16 };
  const input = { name: 'INPUT0', datatype: 'FP32', shape: [1, 16], parameters: place };
  t.deepEqual((await ask('/v2/models/model/infer', { inputs: [input] })).json.outputs[0].data, [...VALUES]);
  t.is((await ask(`${regions}/region/g/unregister`, {})).status, 200);
  t.deepEqual((await ask(`${regions}/status`, null)).json, []);
});

test('a copy that shows that the GPU is lost ends the server with 4', async (t) => {
  await using scratch = await ScratchDirectory.create();
  await using serving = await serveGpuMemory(scratch, fill);
  using memory = allocation();
  using client = new KserveClient(serving.server.grpcAddress);
  await register(client, 'g', handleOf(memory), 256);
  memory.resize(8);
  await fails(t, client.infer(shared(parameters('g', 64))), Status.UNAVAILABLE, /an illegal address/);
  t.is(await serving.server.ended(), 4);
});

test('without a GPU its memory is refused with what is missing, and clearing both kinds before a start still works', async (t) => {
  await using serving = await Serving.start(fill, ['--allow-client-shm', 'true'], { CUDA_VISIBLE_DEVICES: '-1' });
  using memory = allocation();
  using client = new KserveClient(serving.server.grpcAddress);
  await client.call('cudaSharedMemoryUnregister', { name: '' });
  t.deepEqual(await client.call('cudaSharedMemoryStatus', { name: '' }), { regions: {} });
  const missing = /memory of GPUs cannot be shared here: .*(make native|GPU|driver)/;
  await fails(t, register(client, 'g', handleOf(memory), 64), Status.FAILED_PRECONDITION, missing);
});

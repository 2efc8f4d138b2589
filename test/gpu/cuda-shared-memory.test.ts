import { status as Status } from '@grpc/grpc-js';
import test from 'ava';
import { inferMessage, KserveClient, outputsOf } from '../support/kserve-client.js';
import { Serving } from '../support/serving.js';
import { BYTES, fails, parameters, shared } from '../support/shared-tensors.js';
import { DATATYPES, identityModel } from '../support/tensor-models.js';
import { tensor } from '../support/tensors.js';
import { runTritonScript } from '../support/triton-client.js';
import { GpuMemoryClient } from './gpu-memory-client.js';
import { ENGINE_CACHE, FP32, ON_GPU } from './gpu-serving.js';

/** Memory that other processes share on the GPU, by CUDA itself. */

const MEGABYTE = 2 ** 20;

let serving: Serving;
let client: KserveClient;

test.before(async () => {
  serving = await Serving.start(
    async (repository) => {
      const model = identityModel(DATATYPES.FP32, ['batch', 16]);
      await repository.addModel('model', { task: 'tensors', ...ON_GPU, tensorrt: FP32 }, model);
    },
    ['--engine-cache', ENGINE_CACHE, '--allow-client-shm', 'true', '--processes', '2'],
  );
  client = new KserveClient(serving.server.grpcAddress);
});

test.after.always(async () => {
  client?.[Symbol.dispose]();
  await serving?.[Symbol.asyncDispose]();
});

function register(name: string, rawHandle: Uint8Array, byteSize: number, device = 0) {
  const message = { name, rawHandle, deviceId: BigInt(device), byteSize: BigInt(byteSize) };
  return client.call('cudaSharedMemoryRegister', message);
}

const unregister = (name: string) => client.call('cudaSharedMemoryUnregister', { name });

/** 64 bytes that no other number gives. */
const floats = (from: number) => new Uint8Array(Float32Array.from({ length: 16 }, (_, index) => from + index).buffer);

test.serial('tensors go into and out of allocations of every size, small ones beside each other', async (t) => {
  // CUDA gives small allocations parts of one block, which all of their handles then open.
  const sizes = [64, 64, 4096, 3 * MEGABYTE, 256];
  await using memory = await GpuMemoryClient.start(...sizes);
  for (const [index, size] of sizes.entries()) {
    await memory.put(index, size - 64, floats(index));
    await register(`in-${index}`, memory.handles[index]!, size);
  }
  await using outputs = await GpuMemoryClient.start(128, 8 * MEGABYTE);
  await register('small', outputs.handles[0]!, 128);
  await register('large', outputs.handles[1]!, 8 * MEGABYTE);
  for (const [index, size] of sizes.entries()) {
    for (const [allocation, name, offset] of [
      [0, 'small', 64],
      [1, 'large', 8 * MEGABYTE - 64],
    ] as const) {
      // Each process of the server has opened the handles for itself.
      for (let connection = 0; connection < 4; connection++) {
        using other = new KserveClient(serving.server.grpcAddress);
        await outputs.put(allocation, offset, new Uint8Array(64));
        const input = parameters(`in-${index}`, 64, size - 64);
        const answer = await other.infer(shared(input, parameters(name, 64, offset)));
        t.deepEqual(answer.outputs[0]?.parameters, parameters(name, 64, offset));
        t.deepEqual(await outputs.get(allocation, offset, 64), floats(index), `${size} bytes to ${name}`);
      }
    }
  }
  t.deepEqual(await outputs.get(0, 0, 64), new Uint8Array(64), 'nothing is written beside an output');
  await unregister('');
});

test.serial('the same handle may be registered twice, and again after it was unregistered', async (t) => {
  await using memory = await GpuMemoryClient.start(4096);
  const [handle] = memory.handles;
  await memory.put(0, 0, BYTES);
  await register('one', handle!, 4096);
  await register('two', handle!, 2048);
  await unregister('one');
  await client.infer(shared(parameters('two', 64), parameters('two', 64, 64)));
  t.deepEqual(await memory.get(0, 64, 64), BYTES);
  await unregister('two');
  for (let round = 0; round < 100; round++) {
    await register('again', handle!, 4096);
    await unregister('again');
  }
  await register('again', handle!, 4096);
  await client.infer(shared(parameters('again', 64), parameters('again', 64, 128)));
  t.deepEqual(await memory.get(0, 128, 64), BYTES);
  await unregister('');
});

test.serial('what is no memory, or less than is told, is refused, and the server goes on', async (t) => {
  await using memory = await GpuMemoryClient.start(3 * MEGABYTE);
  const [handle] = memory.handles;
  const invalid = Status.INVALID_ARGUMENT;
  await fails(t, register('g', new Uint8Array(64), 64), invalid, /region "g" .* handle cannot be opened on GPU 0/);
  await fails(t, register('g', new Uint8Array(64).fill(255), 64), invalid, /cannot be opened on GPU 0/);
  await fails(t, register('g', handle!.subarray(1), 64), invalid, /handle of 63 bytes/);
  await fails(t, register('g', handle!, 1024 * MEGABYTE), invalid, /region "g" .* the allocation has \d+ bytes/);
  await fails(t, register('g', handle!, 64, 99), invalid, /is on GPU 99, and the server has 0/);
  await register('g', handle!, 3 * MEGABYTE);
  const beyond = shared(parameters('g', 64, 3 * MEGABYTE - 63));
  await fails(t, client.infer(beyond), invalid, /region "g" .* has 3145728 bytes/);
  await memory.put(0, 0, BYTES);
  await client.infer(shared(parameters('g', 64), parameters('g', 64, 64)));
  t.deepEqual(await memory.get(0, 64, 64), BYTES);
  await unregister('');
});

test.serial('a client that ends without a word harms nobody, and its region can be unregistered', async (t) => {
  const memory = await GpuMemoryClient.start(4096);
  await register('g', memory.handles[0]!, 4096);
  await memory[Symbol.asyncDispose]();
  const input = tensor('INPUT0', 'FP32', [1, 16], new Float32Array(BYTES.buffer));
  const { OUTPUT0: output } = outputsOf(await client.infer(inferMessage('model', [input])));
  t.deepEqual(new Uint8Array(output!.data), BYTES);
  await unregister('g');
  t.deepEqual(await client.call('cudaSharedMemoryStatus', { name: '' }), { regions: {} });
});

test.serial("Triton's Python client shares memory of the GPU with the server", async (t) => {
  const address = serving.server.grpcAddress;
  const { code, lines, stderr } = await runTritonScript('test/gpu/cuda_shared_memory_client.py', [address]);
  t.is(code, 0, `after "${lines.at(-1)}": ${stderr}`);
  t.is(lines.at(-1), 'everything is unregistered');
});

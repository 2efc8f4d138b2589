import test from 'ava';
import type { CudaRegion } from '../../server/core/shared-memory.js';
import { DeviceMemory } from '../../server/runtime/device-memory.js';
import type { DeviceReport } from '../../server/runtime/device-probe.js';
import type { NativeSharedMemory, SharedMemorySpec } from '../../server/runtime/native-gpu-memory.js';
import { RegionTable } from '../../server/runtime/region-table.js';
import { found, gpu, none } from '../support/fake-gpu.js';

const HANDLE = Buffer.alloc(64, 7);
const REGION: CudaRegion = { kind: 'cuda', name: 'g', device: 1, handle: HANDLE.toString('base64'), byteSize: 8 };

/** An allocation of 8 bytes that counts its calls, and fails with `code` where there is one. */
class FakeMemory implements NativeSharedMemory {
  readonly bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  code: string | null = null;
  closed = 0;

  read(from: number, out: Uint8Array): void {
    this.#mayFail();
    out.set(this.bytes.subarray(from, from + out.length));
  }

  write(from: number, data: Uint8Array): void {
    this.#mayFail();
    this.bytes.set(data, from);
  }

  close(): void {
    this.closed += 1;
  }

  #mayFail(): void {
    if (this.code !== null) throw Object.assign(new Error('CUDA says no'), { code: this.code });
  }
}

/** The regions of a process whose machine is as `probe` says; they all are of `memory`. */
function process(probe: () => Promise<DeviceReport>) {
  const memory = new FakeMemory();
  const specs: SharedMemorySpec[] = [];
  const lost: string[] = [];
  const open = (spec: SharedMemorySpec): NativeSharedMemory => {
    specs.push(spec);
    return memory;
  };
  const table = new RegionTable({
    system: () => {
      throw new Error('there is no segment');
    },
    cuda: (region) => DeviceMemory.create(region, { probe, open, onDeviceLost: (why) => lost.push(why) }),
  });
  return { memory, specs, lost, table };
}

const twoGpus = (): Promise<DeviceReport> => Promise.resolve(found(gpu(0), gpu(1)));

test('a region is opened with what the client has told of it, read, written and closed', async (t) => {
  const { memory, specs, table } = process(twoGpus);
  await table.register(REGION);
  t.deepEqual(specs, [{ device: 1, handle: HANDLE, byteSize: 8 }]);
  t.deepEqual(table.regions('cuda', null), [REGION]);
  const data = table.read({ region: 'g', offset: 2, byteSize: 3 });
  t.deepEqual([...data], [3, 4, 5]);
  t.is(data.buffer.byteLength, 3, 'it moves to a worker');
  using room = table.reserve({ region: 'g', offset: 6, byteSize: 2 });
  room.write(Uint8Array.of(70));
  t.deepEqual([...memory.bytes], [1, 2, 3, 4, 5, 6, 70, 8]);
  t.throws(() => table.read({ region: 'g', offset: 6, byteSize: 3 }), { message: /"g" .* has 8 bytes/ });
  const unregistered = table.unregister({ kind: 'cuda', name: 'g' });
  t.is(memory.closed, 0, 'an output may still be written there');
  room.write(Uint8Array.of(71));
  t.is(memory.bytes[6], 71);
  room[Symbol.dispose]();
  await unregistered;
  t.is(memory.closed, 1);
});

test('nothing is asked of CUDA for what is wrong by itself, or where there is no GPU', async (t) => {
  const { specs, table } = process(twoGpus);
  for (const [changes, message] of [
    [{ handle: Buffer.alloc(63).toString('base64') }, /handle of 63 bytes/],
    [{ byteSize: 0 }, /has 0 bytes/],
    [{ byteSize: 2 ** 60 }, /has 11529215\d+ bytes; byte_size/],
    [{ device: 2 }, /is on GPU 2, and the server has 0 \(Fake 100\), 1 \(Fake 100\)/],
  ] as const) {
    await t.throwsAsync(table.register({ ...REGION, ...changes }), { code: 'INVALID_REQUEST', message });
  }
  t.deepEqual(specs, []);
  const without = process(() => Promise.resolve(none('there is no driver')));
  const expected = { code: 'DEVICE_UNAVAILABLE', message: 'memory of GPUs cannot be shared here: there is no driver' };
  await t.throwsAsync(without.table.register(REGION), expected);
  t.deepEqual(without.specs, []);
  t.deepEqual(without.table.regions('cuda', null), []);
});

test('a region that is unregistered while GPUs are looked for is not there afterwards', async (t) => {
  let tell: (report: DeviceReport) => void = () => {};
  const { memory, table } = process(() => new Promise((resolve) => (tell = resolve)));
  const registered = table.register(REGION);
  await t.throwsAsync(table.register(REGION), { code: 'SHARED_MEMORY_EXISTS' });
  t.throws(() => table.read({ region: 'g', offset: 0, byteSize: 1 }), { code: 'SHARED_MEMORY_NOT_FOUND' });
  await table.unregister({ kind: 'cuda', name: null });
  tell(found(gpu(1)));
  await t.throwsAsync(registered, { code: 'CANCELLED', message: /"g" .* was unregistered meanwhile/ });
  t.is(memory.closed, 1);
  t.throws(() => table.regions('cuda', 'g'), { code: 'SHARED_MEMORY_NOT_FOUND' });
});

test('what a copy fails with is told, and a GPU that is lost to the server', async (t) => {
  const { memory, lost, table } = process(twoGpus);
  await table.register(REGION);
  const read = () => table.read({ region: 'g', offset: 0, byteSize: 1 });
  memory.code = 'INVALID_REQUEST';
  t.throws(read, { code: 'INVALID_REQUEST', message: 'region "g" of shared memory is refused: CUDA says no' });
  t.deepEqual(lost, []);
  memory.code = 'DEVICE_LOST';
  t.throws(read, { code: 'DEVICE_LOST', message: 'CUDA says no' });
  t.deepEqual(lost, ['CUDA says no']);
  memory.code = null;
  t.is(read()[0], 1);
});

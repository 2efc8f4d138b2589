import type { TestRepository } from './test-repository.js';
import { ADDON_VARIABLE } from './fake-addon-file.js';
import { fakeAddon } from './fake-gpu.js';
import type { ScratchDirectory } from './scratch-directory.js';
import type { Segment } from './segment.js';
import { Serving } from './serving.js';

/** Memory of a GPU on a machine that has none: an allocation is a segment of shared memory, and its handle the key. */

const OPEN = `
  const refuse = (message, code) => { throw Object.assign(new Error(message), { code }); };
  const key = Buffer.from(spec.handle).toString('latin1').replace(/\\0+$/, '');
  const path = '/dev/shm/' + key;
  if (!fs.existsSync(path)) refuse('the handle cannot be opened on GPU ' + spec.device, 'INVALID_REQUEST');
  const file = fs.openSync(path, 'r+');
  const { size } = fs.fstatSync(file);
  if (size < spec.byteSize) {
    fs.closeSync(file);
    refuse('the allocation has ' + size + ' bytes', 'INVALID_REQUEST');
  }
  const whole = () => fs.fstatSync(file).size === size || refuse('an illegal address', 'DEVICE_LOST');
  return {
    read: (from, out) => { whole(); fs.readSync(file, out, 0, out.length, from); },
    write: (from, data) => { whole(); fs.writeSync(file, data, 0, data.length, from); },
    close: () => fs.closeSync(file),
  };`;

/** What a client's CUDA would hand it for an allocation. */
export function handleOf({ key }: Pick<Segment, 'key'>): Uint8Array {
  const handle = new Uint8Array(64);
  handle.set(new TextEncoder().encode(key));
  return handle;
}

/**
 * A real server on a machine with one GPU that has nothing but memory; an allocation whose segment becomes shorter loses
 * the device. The models must ask for the CPU.
 */
export async function serveGpuMemory(
  scratch: ScratchDirectory,
  fill: (repository: TestRepository) => Promise<void>,
  flags: readonly string[] = [],
): Promise<Serving> {
  const addonFile = await fakeAddon(scratch, { openSharedMemory: OPEN });
  const preload = new URL('./fake-addon-preload.js', import.meta.url);
  const environment = { NODE_OPTIONS: `--import ${preload.href}`, [ADDON_VARIABLE]: addonFile };
  return await Serving.start(fill, ['--allow-client-shm', 'true', ...flags], environment);
}

import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import type { GpuAddon } from '../../server/runtime/native-gpu.js';

/** What `make native-gpu-check` leaves: a build for each version of TensorRT's headers. */
const BUILDS = 'build/native-gpu-check';
const VERSIONS = existsSync(BUILDS) ? readdirSync(BUILDS).sort() : [];

const run = promisify(execFile);

/** What a function of the addon came to. */
type Outcome = { readonly value: unknown } | { readonly code: string; readonly message: string };

/** Loads the addon in a process of its own, which sees no GPU, and calls each of the functions without arguments. */
async function outcomes(file: string, functions: readonly (keyof GpuAddon)[]): Promise<Record<string, Outcome>> {
  const program = `
    const addon = require(process.argv[1]);
    const outcome = (name) => {
      try { return { value: addon[name]() }; } catch ({ code, message }) { return { code, message }; }
    };
    console.log(JSON.stringify(Object.fromEntries(process.argv.slice(2).map((name) => [name, outcome(name)]))));`;
  const env = { ...process.env, CUDA_VISIBLE_DEVICES: '-1' };
  const { stdout } = await run(process.execPath, ['-e', program, join(process.cwd(), file), ...functions], { env });
  return JSON.parse(stdout) as Record<string, Outcome>;
}

(VERSIONS.length === 0 ? test.skip : test)('the GPU addon was built for every version of the headers', (t) => {
  t.true(VERSIONS.some((version) => version.startsWith('tensorrt-10.')));
  t.true(VERSIONS.some((version) => version.startsWith('tensorrt-11.')));
});

for (const version of VERSIONS) {
  const file = join(BUILDS, version, 'Release/sluice_gpu.node');

  test(`the GPU addon for ${version} asks the loader for no library of TensorRT or of the driver`, async (t) => {
    const { stdout } = await run('readelf', ['--dynamic', file]);
    t.regex(stdout, /\(NEEDED\)/);
    t.notRegex(stdout, /\(NEEDED\).*\[lib(nvinfer|nvonnxparser|cuda\.so|cudart|nvidia-ml)/);
  });

  test(`the GPU addon for ${version} loads without a GPU, and says what is missing`, async (t) => {
    const { info, devices, telemetry } = await outcomes(file, ['info', 'devices', 'telemetry']);
    t.like(devices, { code: 'DEVICE_UNAVAILABLE' });
    for (const outcome of [info!, telemetry!]) {
      // TensorRT and the driver may be there all the same: then both answer.
      if ('value' in outcome) continue;
      t.is(outcome.code, 'DEVICE_UNAVAILABLE', outcome.message);
      // Names the library, and where it comes from.
      t.regex(outcome.message, /lib[\w-]+\.so.*(install TensorRT|driver)/s);
    }
    if (info !== undefined && 'value' in info) t.like(info.value, { cuda: '13.0' });
  });

  test(`the GPU addon for ${version} looks at what it is told of memory before it asks CUDA`, async (t) => {
    const program = `
      const { openSharedMemory } = require(process.argv[1]);
      const outcome = (handle, byteSize, device = 0) => {
        try { openSharedMemory({ device, handle, byteSize }); } catch ({ name, code, message }) { return [code ?? name, message]; }
      };
      const handle = new Uint8Array(64);
      const outcomes = [outcome(handle, 64), outcome(handle.subarray(1), 64), outcome(handle, -1), outcome('', 64)];
      console.log(JSON.stringify(outcomes));`;
    const env = { ...process.env, CUDA_VISIBLE_DEVICES: '-1' };
    const { stdout } = await run(process.execPath, ['-e', program, join(process.cwd(), file)], { env });
    const [without, short, negative, text] = JSON.parse(stdout) as [string, string][];
    t.is(without![0], 'DEVICE_UNAVAILABLE', without![1]);
    t.deepEqual(short, ['RangeError', 'spec.handle has 63 bytes; it must have 64']);
    t.deepEqual(negative, ['RangeError', 'spec.byteSize is -1; it must be 0 or more']);
    t.is(text![0], 'TypeError', text![1]);
  });
}

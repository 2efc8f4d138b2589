import { callGpuProcess } from '../../server/runtime/gpu-process.js';
import { EnginePlans } from '../../server/runtime/engine-plans.js';
import { gpu, makeInputs, NO_CALIBRATOR, NO_STATISTICS } from './fake-gpu.js';

/**
 * A process that wants one plan: `build-racer.js CACHE ADDON`. Prints whether it came from the cache or was built. Its
 * builds run in real processes, on a file that stands for the addon.
 */
const [directory = '', addonFile = ''] = process.argv.slice(2);
const plans = await EnginePlans.create({
  directory,
  maxBytes: 1e9,
  calibrator: NO_CALIBRATOR,
  statistics: NO_STATISTICS,
  log: () => {},
  build: (spec, signal, onLine) => callGpuProcess({ addonFile, request: { type: 'build', spec }, signal, onLine }),
});
const { source, engine } = await plans.get({
  model: 'cats',
  version: 1,
  inputs: makeInputs(),
  device: gpu(),
  tensorrt: '10.6.0',
  signal: new AbortController().signal,
});
await engine[Symbol.asyncDispose]();
console.log(source);

import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bare } from './bare.js';
import type { GpuBench } from './gpu-bench.js';
import { gpuOperators } from './gpu-operators.js';
import { writeGpuPictures } from './gpu-pictures.js';
import { GpuReport, thisMachine } from './gpu-report.js';
import { inProcess } from './in-process.js';
import { instances } from './instances.js';
import { loadTime } from './load-time.js';
import { served } from './served.js';
import { FULL, QUICK } from './settings.js';
import { tasks } from './tasks.js';
import { windowOne } from './window-one.js';

/**
 * The benchmarks behind `make bench-gpu`: one JSON object a figure on stdout, what was reached on stderr, and both in
 * files. Each figure stands for itself: one that cannot be measured is told, and makes the exit code 1.
 *
 *     node dist/test/bench/gpu/run.js [--quick] [--only bare,served] [--calibration DIRECTORY] [--results DIRECTORY]
 */
const BENCHES: Readonly<Record<string, (bench: GpuBench) => Promise<void>>> = {
  bare,
  'in-process': inProcess,
  served,
  'window-1': windowOne,
  instances,
  load: loadTime,
  operators: gpuOperators,
  tasks,
};

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    calibration: { type: 'string' },
    results: { type: 'string', default: 'test/gpu/results' },
  },
});
const names = values.only?.split(',') ?? Object.keys(BENCHES);
const unknown = names.filter((name) => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0) {
  console.error(`there is no benchmark ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`);
  process.exitCode = 2;
} else {
  const report = new GpuReport(values.results, thisMachine());
  const { directory, files: pictures } = await writeGpuPictures();
  const calibration = values.calibration === undefined ? null : resolve(values.calibration);
  const bench: GpuBench = { report, settings: values.quick ? QUICK : FULL, pictures, calibration, known: {} };
  try {
    for (const name of names) await BENCHES[name]!(bench).catch((cause: unknown) => report.failed(name, cause));
  } finally {
    await rm(directory, { recursive: true });
  }
  report.summarize();
  console.error(`kept in ${(await report.save()).join(' and ')}`);
  if (report.failures > 0) process.exitCode = 1;
}

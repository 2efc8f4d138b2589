import { parseArgs } from 'node:util';
import { gate } from './gate.js';
import { latency } from './latency.js';
import { memory } from './memory.js';
import { metrics } from './metrics.js';
import { operators } from './operators.js';
import { pipelines } from './pipelines.js';
import { Report } from './report.js';
import { FULL, QUICK, type Settings } from './settings.js';
import { start } from './start.js';
import { tasks } from './tasks.js';
import { tensors } from './tensors.js';
import { throughput } from './throughput.js';
import { trackers } from './trackers.js';

/**
 * The benchmarks behind `make bench`: one JSON object a figure on stdout, what was reached on stderr.
 *
 *     node dist/test/bench/run.js [--quick] [--only throughput,start]
 */
const BENCHES: Readonly<Record<string, (report: Report, settings: Settings) => Promise<void>>> = {
  throughput,
  latency,
  memory,
  start,
  operators,
  pipelines,
  trackers,
  tasks,
  tensors,
  gate,
  metrics,
};

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } } });
const names = values.only?.split(',') ?? Object.keys(BENCHES);
const unknown = names.filter((name) => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0) {
  console.error(`there is no benchmark ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`);
  process.exitCode = 2;
} else {
  const report = new Report();
  for (const name of names) await BENCHES[name]!(report, values.quick ? QUICK : FULL);
  report.summarize();
}

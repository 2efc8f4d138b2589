import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Report } from '../report.js';
import { FULL, QUICK } from '../settings.js';
import { tensorModels } from '../tensor-models.js';
import { tensorsBeside } from '../tensors.js';
import { jpegs, SIDES } from './jpegs.js';
import { Triton } from './triton.js';
import { tritonRepository } from './triton-repository.js';

/**
 * The benchmarks behind `make bench-peers`: NVIDIA Triton beside Sluice, in turn on the same machine. One JSON object a
 * figure on stdout, the first tells of the machine; tables and what was reached on stderr.
 *
 *     node dist/test/bench/peers/run.js [--quick] [--only tensors,jpegs]
 */
const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string', default: 'tensors,jpegs' } },
});
const BENCHES = { tensors: tensorsBeside, jpegs };
const names = values.only.split(',');
const unknown = names.filter((name) => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0) {
  console.error(`there is no benchmark ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`);
  process.exitCode = 2;
} else {
  const report = new Report();
  const processors = cpus();
  const date = `${new Date().toISOString().slice(0, 19)}Z`;
  const machine = { cpu: processors[0]?.model ?? '', cores: processors.length, load: loadavg()[0] };
  console.log(JSON.stringify({ date, node: process.version, triton: '2.51.0', ...machine }));
  if (machine.load! > 1) report.doubt(`others used the machine at the start: its load was ${machine.load!.toFixed(1)}`);
  await using repository = await tritonRepository(tensorModels(), SIDES);
  await using triton = await Triton.start(repository.directory);
  for (const name of names) {
    await BENCHES[name as keyof typeof BENCHES](report, values.quick ? QUICK : FULL, triton);
  }
  report.summarize();
}

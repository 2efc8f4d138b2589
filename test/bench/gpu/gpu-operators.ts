import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../bench-repository.js';
import type { GpuBench } from './gpu-bench.js';

const PROGRAM = join(root, 'build', 'native', 'gpu_operators_test');

/** Operator by operator, as the program that compares them with their CPU twins times them. */
export async function gpuOperators({ report, pictures }: GpuBench): Promise<void> {
  if (!existsSync(PROGRAM)) {
    report.doubt(`operators were left out: there is no ${PROGRAM}`);
    return;
  }
  report.progress('operators');
  const { stdout } = await promisify(execFile)(PROGRAM, [...pictures], { maxBuffer: 2 ** 26 });
  let found = 0;
  for (const [, name, microseconds] of stdout.matchAll(/^bench (\S+) ([\d.]+)/gm)) {
    found += 1;
    report.add({ bench: 'operators', figure: name!, unit: 'us', runs: [Number(microseconds)] });
    const batch = /^jpeg_batch_(\d+)$/.exec(name!)?.[1];
    if (batch === undefined) continue;
    const runs = [(Number(batch) / Number(microseconds)) * 1e6];
    report.add({ bench: 'operators', figure: 'JPEG decoding', at: { batch }, unit: 'pictures/s', runs });
  }
  if (found === 0) throw new Error(`${PROGRAM} printed no timing:\n${stdout}`);
  const backend = /^ *backend: (.*)$/m.exec(stdout)?.[1];
  if (backend !== undefined) report.doubt(`JPEGs are decoded by: ${backend}`);
}

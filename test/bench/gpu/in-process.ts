import { join } from 'node:path';
import { engineCacheOf, MODEL, repositoryOf, STANDARD } from './bench-models.js';
import { runChild } from './child.js';
import type { GpuBench } from './gpu-bench.js';
import type { LocalInput, LocalOutput } from './local-child.js';
import { BATCH } from './settings.js';

const RATE_AIM = { is: 'at least', value: 0.9 } as const;
const BESIDE_AIM = { is: 'at most', value: 0.05 } as const;

/** From JPEG bytes to boxes in one process, without a server; and what a batch spends beside the engine. */
export async function inProcess(bench: GpuBench): Promise<void> {
  const { report, settings, known } = bench;
  const rates: number[] = [];
  for (const instances of [2, 4]) {
    report.progress(`in process: ${instances} instances`);
    // Enough for every instance to find a full batch whenever it looks.
    const runs = await local(bench, instances, 8 * BATCH, settings.repetitions);
    const at = { instances };
    const pictures = runs.map(({ picturesPerSecond }) => picturesPerSecond);
    const add = (figure: string, unit: string, values: readonly number[]): void =>
      report.add({ bench: 'in-process', figure, at, unit, runs: values });
    add('JPEG to boxes', 'pictures/s', pictures);
    add(
      'mean batch',
      'pictures',
      runs.map(({ meanBatchSize }) => meanBatchSize),
    );
    add(
      'CPU',
      'cores',
      runs.map(({ cores }) => cores),
    );
    rates.push(Math.max(...pictures));
  }
  known.inProcessRate = Math.max(...rates);
  if (known.bareRate === undefined) report.doubt('the ratio to the bare engine is missing: that was not measured');
  else {
    const runs = [known.inProcessRate / known.bareRate];
    report.add({ bench: 'in-process', figure: 'JPEG to boxes / bare engine', unit: 'ratio', runs, aim: RATE_AIM });
  }
  await phases(bench);
}

/** One instance alone: phases of several would wait for one another on the device. */
async function phases(bench: GpuBench): Promise<void> {
  const { report, settings } = bench;
  report.progress('in process: phases of a batch');
  const runs = await local(bench, 1, 2 * BATCH, settings.repetitions);
  const all = runs.map((run) => {
    if (run.phases === null) throw new Error(`no batch had ${BATCH} pictures`);
    return run.phases;
  });
  const at = { batch: BATCH };
  for (const phase of ['decode', 'preprocess', 'infer', 'postprocess'] as const) {
    report.add({ bench: 'phases', figure: phase, at, unit: 'us', runs: all.map((values) => values[phase]) });
  }
  const beside = all.map(({ preprocess, infer, postprocess }) => (preprocess + postprocess) / infer);
  report.add({ bench: 'phases', figure: 'pre and post / infer', at, unit: 'ratio', runs: beside, aim: BESIDE_AIM });
}

async function local(
  { pictures, settings }: GpuBench,
  instances: number,
  inFlight: number,
  repetitions: number,
): Promise<LocalOutput[]> {
  const variant = { ...STANDARD, instances };
  await using repository = await repositoryOf(variant);
  const input: LocalInput = {
    directory: join(repository.directory, MODEL),
    engineCache: engineCacheOf(variant),
    pictures,
    inFlight,
    seconds: settings.loadSeconds / 2,
    batch: BATCH,
  };
  const runs: LocalOutput[] = [];
  for (let run = 0; run < repetitions; run++) {
    const output = await runChild<LocalOutput>('local-child', input);
    if (!(output.detections > 0)) throw new Error('no face was found in any picture');
    runs.push(output);
  }
  return runs;
}

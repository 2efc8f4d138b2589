import type { EngineBenchResult, EngineBenchSpec } from '../../../server/runtime/native-gpu.js';
import { planOf, type Variant } from './bench-models.js';
import { runChild } from './child.js';
import type { GpuBench } from './gpu-bench.js';
import { BATCH, SIDE } from './settings.js';

interface Point {
  readonly precision: Variant['precision'];
  /** Largest batch of the plan, which it is tuned for. */
  readonly planBatch: number;
  readonly batch: number;
  readonly contexts: readonly number[];
}

const POINTS: readonly Point[] = [
  // Of the plan that is served, since that is what a lone frame meets.
  { precision: 'fp16', planBatch: BATCH, batch: 1, contexts: [1, 2] },
  { precision: 'fp16', planBatch: BATCH, batch: BATCH, contexts: [1, 2] },
  { precision: 'fp16', planBatch: 64, batch: 64, contexts: [1, 2] },
  { precision: 'int8', planBatch: BATCH, batch: BATCH, contexts: [1, 2] },
  // With TF32, as it is by default.
  { precision: 'fp32', planBatch: BATCH, batch: BATCH, contexts: [1, 2] },
];

/** The engine alone: no pictures, no results, nothing copied. What everything else is measured against. */
export async function bare({ report, settings, calibration, known }: GpuBench): Promise<void> {
  const rates: number[] = [];
  for (const { precision, planBatch, batch, contexts } of POINTS) {
    if (precision === 'int8' && calibration === null) {
      report.doubt('int8 was left out: name pictures to calibrate with by --calibration DIRECTORY');
      continue;
    }
    report.progress(`bare engine: ${precision}, batch ${batch}`);
    try {
      const planFile = await planOf({
        precision,
        batch: planBatch,
        instances: 1,
        ...(precision === 'int8' && calibration !== null ? { calibration } : {}),
      });
      for (const count of contexts) {
        const spec: EngineBenchSpec = {
          planFile,
          device: 0,
          width: SIDE,
          height: SIDE,
          batch,
          contexts: count,
          graph: true,
          seconds: settings.engineSeconds,
        };
        const results: EngineBenchResult[] = [];
        for (let run = 0; run < settings.repetitions; run++) results.push(await runChild('engine-child', spec));
        const at = { precision, batch, contexts: count };
        const pictures = results.map(({ picturesPerSecond }) => picturesPerSecond);
        const milliseconds = results.map(({ millisecondsPerBatch }) => millisecondsPerBatch);
        report.add({ bench: 'bare', figure: 'engine', at, unit: 'pictures/s', runs: pictures });
        report.add({ bench: 'bare', figure: 'batch', at, unit: 'ms', runs: milliseconds });
        if (precision === 'fp16' && batch === BATCH) rates.push(Math.max(...pictures));
        if (precision === 'fp16' && batch === 1 && count === 1) {
          known.bareMillisecondsOfOne = Math.min(...milliseconds);
        }
      }
    } catch (cause) {
      report.failed(`bare engine: ${precision}, batch ${batch}`, cause);
    }
  }
  // What others are told in proportion to is the best that was seen.
  if (rates.length > 0) known.bareRate = Math.max(...rates);
}

import { parseArgs } from 'node:util';
import { growth, soak } from './soak.js';

/**
 * The soak behind `make soak`: the memory of the server on the way as JSON lines on stdout. Exit code 1 when the server did
 * what it should not have done, or had more memory in the second half than in the first.
 *
 *     node dist/test/bench/soak/run.js [--requests 200000] [--seed 1]
 */
const { values } = parseArgs({
  options: { requests: { type: 'string', default: '200000' }, seed: { type: 'string', default: '1' } },
});
const MEBIBYTE = 1 << 20;
/** The memory goes up and down by tens of MiB all the time; the medians of two halves of a long run differ by less. */
const MOST_GROWTH = 32 * MEBIBYTE;

const inMiB = (bytes: number): number => Math.round((bytes / MEBIBYTE) * 10) / 10;
const start = performance.now();
const seconds = (): number => Math.round((performance.now() - start) / 1000);
const { requests, kinds, samples } = await soak({
  requests: Number(values.requests),
  seed: Number(values.seed),
  onSample: ({ requests: done, rss, heap }) =>
    console.log(JSON.stringify({ requests: done, seconds: seconds(), rss_mib: inMiB(rss), heap_mib: inMiB(heap) })),
});
const grown = growth(samples);
console.log(
  JSON.stringify({ requests, seconds: seconds(), seed: Number(values.seed), kinds, growth_mib: inMiB(grown) }),
);
if (grown > MOST_GROWTH) {
  console.error(`the second half had ${inMiB(grown)} MiB more than the first, over ${inMiB(MOST_GROWTH)}`);
  process.exitCode = 1;
}

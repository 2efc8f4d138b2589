import { parseArgs } from 'node:util';
import { serverUsage } from '../usage.js';
import { fuzz } from './fuzz.js';
import { FuzzServer } from './fuzz-server.js';

/**
 * Calls with messages that are not quite right, behind `make fuzz`; a JSON line for each thousand. Ends with an error, which
 * has the case and the seed, when a call does.
 *
 *     node dist/test/bench/fuzz/run.js [--cases 100000] [--seed 1]
 */
const { values } = parseArgs({
  options: { cases: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
const CASES_A_SEED = 1000;
await using server = await FuzzServer.start();
const [cases, first] = [Number(values.cases), Number(values.seed)];
for (let done = 0, seed = first; done < cases; done += CASES_A_SEED, seed++) {
  const found = await fuzz(server, Math.min(CASES_A_SEED, cases - done), seed);
  const { rss } = await serverUsage(server.serving.server.httpAddress);
  console.log(JSON.stringify({ seed, ...found, rss_mib: Math.round(rss / (1 << 20)) }));
  if (server.faults.length > 0) throw new Error(`seed ${seed}: ${server.faults.join('\n')}`);
}

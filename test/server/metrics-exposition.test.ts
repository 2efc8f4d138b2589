import { cpus } from 'node:os';
import test from 'ava';
import { METRICS, PROCESS_METRICS } from '../../server/http/metric-definitions.js';
import { TRITON_METRICS } from '../../server/http/triton-metric-definitions.js';
import { scrapeExposition, type MetricFamily } from '../support/exposition.js';
import { encode, grey, spots } from '../support/pictures.js';
import { addSpots, SIDE } from '../support/pipelines.js';
import { Serving } from '../support/serving.js';

/** What `/metrics` answers, as Prometheus' own parser reads it. */

const FRAMES = 12;

const picture = spots(SIDE, SIDE, [[20, 24, 250]]);

/** Sums of what the answers of a model say, in microseconds. */
interface Told {
  queue: number;
  input: number;
  infer: number;
  output: number;
  total: number;
}

function serve(flags: readonly string[] = []): Promise<Serving> {
  return Serving.start((repository) => addSpots(repository, { max_batch_size: 4 }), flags);
}

/** Sends good frames and a bad one; returns what the answers of the good ones say. */
async function load({ client }: Serving): Promise<Told> {
  const cutShort = (await encode(grey(1, 64), 'png')).subarray(0, 60);
  const frames = [...Array.from({ length: FRAMES }, () => ({ picture })), { picture: cutShort }];
  const told: Told = { queue: 0, input: 0, infer: 0, output: 0, total: 0 };
  for await (const { frame } of client.detect(frames, { model: 'spots', window: 8 })) {
    if (frame?.error !== undefined) continue;
    const { queueUs, decodeUs, preprocessUs, inferUs, postprocessUs, totalUs } = frame!.timings!;
    told.queue += queueUs;
    told.input += decodeUs + preprocessUs;
    told.infer += inferUs;
    told.output += postprocessUs;
    told.total += totalUs;
  }
  return told;
}

function valueOf(
  families: readonly MetricFamily[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const samples = families.flatMap((family) => family.samples).filter((sample) => sample.name === name);
  const found = samples.filter((sample) =>
    Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  if (found.length !== 1) throw new Error(`${found.length} samples ${name} ${JSON.stringify(labels)}`);
  return found[0]!.value;
}

for (const processes of ['1', '2']) {
  test.serial(
    `With ${processes} processes every family has its name, type and help once, and its samples fit`,
    async (t) => {
      await using serving = await serve(['--processes', processes]);
      await load(serving);
      const families = await scrapeExposition(serving.server.httpAddress);
      const names = families.map(({ name }) => name);
      t.is(new Set(names).size, names.length);
      for (const { name, type, help } of [
        ...Object.values(METRICS),
        ...Object.values(TRITON_METRICS),
        ...(processes === '2' ? Object.values(PROCESS_METRICS) : []),
      ]) {
        // A counter without a sample has lost its ending to the parser.
        const family = families.find((one) => one.name === name || `${one.name}_total` === name);
        t.deepEqual([family?.type, family?.help], [type, help], name);
      }
      const seen = new Set<string>();
      for (const { name, type, help, samples } of families) {
        t.regex(name, /^[a-z][a-z0-9_]*$/);
        t.true(['counter', 'gauge', 'histogram'].includes(type), `${name} is a ${type}`);
        t.not(help, '', name);
        for (const sample of samples) {
          const key = JSON.stringify([
            sample.name,
            Object.entries(sample.labels).toSorted(([a], [b]) => (a < b ? -1 : 1)),
          ]);
          t.false(seen.has(key), `twice: ${key}`);
          seen.add(key);
          if (type !== 'gauge') t.true(sample.value >= 0, key);
        }
        if (type === 'histogram') checkBuckets(t.true.bind(t), { name, samples });
      }
    },
  );
}

/** Buckets are cumulative, and the last one is all. */
function checkBuckets(check: (holds: boolean, why: string) => unknown, family: Pick<MetricFamily, 'name' | 'samples'>) {
  const series = new Map<string, { buckets: number[]; count: number }>();
  for (const { name, labels, value } of family.samples) {
    const { le: _, ...rest } = labels;
    const key = JSON.stringify(rest);
    const one = series.get(key) ?? { buckets: [], count: NaN };
    series.set(key, one);
    if (name.endsWith('_bucket')) one.buckets.push(value);
    if (name.endsWith('_count')) one.count = value;
  }
  for (const [key, { buckets, count }] of series) {
    check(
      buckets.every((value, index) => index === 0 || value >= buckets[index - 1]!),
      `${family.name} ${key} grows`,
    );
    check(buckets.at(-1) === count, `${family.name} ${key} ends with its count`);
  }
}

test.serial("Triton's metrics are what the answers say of the same requests", async (t) => {
  await using serving = await serve();
  const told = await load(serving);
  const families = await scrapeExposition(serving.server.httpAddress);
  const version = { model: 'spots', version: '1' };
  const value = (name: string, labels = {}) => valueOf(families, name, { ...version, ...labels });
  t.is(value('nv_inference_request_success'), FRAMES);
  t.is(value('nv_inference_count'), FRAMES);
  t.is(value('nv_inference_exec_count'), value('sluice_batch_rows_count'));
  t.is(value('nv_inference_pending_request_count'), 0);
  t.deepEqual(
    ['REJECTED', 'CANCELED', 'BACKEND', 'OTHER'].map((reason) => value('nv_inference_request_failure', { reason })),
    [0, 0, 0, 1],
  );
  for (const [name, us] of [
    ['request', told.total],
    ['queue', told.queue],
    ['compute_input', told.input],
    ['compute_infer', told.infer],
    ['compute_output', told.output],
  ] as const) {
    // The answers have whole microseconds, of input two numbers.
    const found = value(`nv_inference_${name}_duration_us`);
    t.true(Math.abs(found - us) <= FRAMES, `${name}: ${found} of ${us}`);
    t.true(found > 0, name);
  }
  t.true(value('nv_model_load_duration_secs') > 0, 'nv_model_load_duration_secs');
  const memory = valueOf(families, 'nv_cpu_memory_used_bytes') / valueOf(families, 'nv_cpu_memory_total_bytes');
  t.true(memory > 0 && memory < 1, `${memory} of the memory`);
  const cpu = valueOf(families, 'nv_cpu_utilization');
  // Some sandboxes count no CPU time.
  const counted = cpus().some(({ times }) => times.user + times.sys > 0);
  t.true(counted ? cpu > 0 && cpu <= 1 : cpu === 0, `${cpu} of the CPUs`);
});

test.serial('With several processes counters add up, and what all of them see is told once', async (t) => {
  await using serving = await serve(['--processes', '2']);
  const told = await load(serving);
  const families = await scrapeExposition(serving.server.httpAddress);
  t.is(valueOf(families, 'nv_inference_request_success', { model: 'spots' }), FRAMES);
  const total = valueOf(families, 'nv_inference_request_duration_us', { model: 'spots' });
  t.true(Math.abs(total - told.total) <= FRAMES, `${total} of ${told.total}`);
  t.true(valueOf(families, 'nv_cpu_utilization') <= 1, 'nv_cpu_utilization');
  const memory = valueOf(families, 'nv_cpu_memory_used_bytes') / valueOf(families, 'nv_cpu_memory_total_bytes');
  t.true(memory < 1, `${memory} of the memory`);
});

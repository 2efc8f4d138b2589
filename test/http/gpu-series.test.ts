import test from 'ava';
import type { GpuTelemetry } from '../../server/core/gpu-telemetry.js';
import { GPU_METRICS } from '../../server/http/metric-definitions.js';
import { Metrics } from '../../server/http/metrics.js';

const READING: GpuTelemetry = {
  index: 0,
  uuid: 'GPU-a',
  name: 'NVIDIA X',
  utilization: 0.5,
  memoryTotalBytes: 1000,
  memoryUsedBytes: 250,
  powerWatts: 300.5,
  powerLimitWatts: 700,
  energyJoules: 12_345.5,
  temperatureCelsius: 41,
  jpegUtilization: 0.25,
};

/** Metrics whose GPUs read as `state` says, and whose clock stands still. */
function watched(state: { readings: readonly GpuTelemetry[] | Error; now: number }) {
  const warnings: string[] = [];
  let reads = 0;
  const read = () => {
    reads += 1;
    if (state.readings instanceof Error) throw state.readings;
    return state.readings;
  };
  const gpus = { read, warn: (message: string) => warnings.push(message), now: () => state.now };
  const metrics = new Metrics(() => [], { gpus });
  const scrape = async () => (await metrics.text()).split('\n').filter((line) => line.startsWith('sluice_gpu_'));
  return { metrics, scrape, warnings, reads: () => reads };
}

test('every GPU has its series, with the types of the table', async (t) => {
  const { metrics, scrape } = watched({ readings: [READING, { ...READING, index: 1, uuid: 'GPU-b' }], now: 0 });
  const lines = await scrape();
  t.is(lines.length, 2 * Object.keys(GPU_METRICS).length);
  const first = 'gpu="0",uuid="GPU-a",name="NVIDIA X"';
  for (const line of [
    `sluice_gpu_utilization_ratio{${first}} 0.5`,
    `sluice_gpu_memory_total_bytes{${first}} 1000`,
    `sluice_gpu_memory_used_bytes{${first}} 250`,
    `sluice_gpu_power_watts{${first}} 300.5`,
    `sluice_gpu_power_limit_watts{${first}} 700`,
    `sluice_gpu_energy_joules_total{${first}} 12345.5`,
    `sluice_gpu_temperature_celsius{${first}} 41`,
    `sluice_gpu_jpeg_utilization_ratio{${first}} 0.25`,
    'sluice_gpu_power_watts{gpu="1",uuid="GPU-b",name="NVIDIA X"} 300.5',
  ]) {
    t.true(lines.includes(line), line);
  }
  const text = await metrics.text();
  for (const { name, type, help } of Object.values(GPU_METRICS)) {
    t.true(text.includes(`# HELP ${name} ${help}\n`), name);
    t.true(text.includes(`# TYPE ${name} ${type}\n`), name);
  }
});

test("Triton's names have the same readings, by uuid alone, and energy from the first reading on", async (t) => {
  const state = { readings: [READING], now: 0 };
  const { metrics } = watched(state);
  await metrics.text();
  state.now = 5000;
  state.readings = [{ ...READING, energyJoules: READING.energyJoules + 20 }];
  const lines = (await metrics.text()).split('\n');
  for (const line of [
    'nv_gpu_utilization{gpu_uuid="GPU-a"} 0.5',
    'nv_gpu_memory_total_bytes{gpu_uuid="GPU-a"} 1000',
    'nv_gpu_memory_used_bytes{gpu_uuid="GPU-a"} 250',
    'nv_gpu_power_usage{gpu_uuid="GPU-a"} 300.5',
    'nv_gpu_power_limit{gpu_uuid="GPU-a"} 700',
    'nv_energy_consumption{gpu_uuid="GPU-a"} 20',
  ]) {
    t.true(lines.includes(line), line);
  }
});

test('GPUs are read once a second at most, and the energy is what they tell, not a sum', async (t) => {
  const state = { readings: [READING], now: 5000 };
  const { scrape, reads } = watched(state);
  t.is(reads(), 0, 'not before a scrape');
  await scrape();
  state.readings = [{ ...READING, energyJoules: 20_000 }];
  state.now = 5999;
  t.true((await scrape()).some((line) => line.endsWith(' 12345.5')));
  t.is(reads(), 1);
  state.now = 6000;
  t.true((await scrape()).some((line) => line.startsWith('sluice_gpu_energy') && line.endsWith(' 20000')));
  t.is(reads(), 2);
});

test('what a driver does not tell is left out, and so is a GPU that is gone', async (t) => {
  const state = { readings: [{ ...READING, jpegUtilization: NaN, energyJoules: NaN, temperatureCelsius: 0 }], now: 0 };
  const { scrape } = watched(state);
  const lines = await scrape();
  t.false(lines.some((line) => /jpeg|energy|NaN/.test(line)));
  t.true(lines.some((line) => line.startsWith('sluice_gpu_temperature_celsius{') && line.endsWith(' 0')));
  state.readings = [];
  state.now = 1000;
  t.deepEqual(await scrape(), []);
});

test('an error ends the series with one warning', async (t) => {
  const state: { readings: readonly GpuTelemetry[] | Error; now: number } = { readings: [READING], now: 0 };
  const { scrape, warnings, reads } = watched(state);
  await scrape();
  state.readings = new Error('the driver is gone');
  for (const now of [1000, 2000, 3000]) {
    state.now = now;
    t.deepEqual(await scrape(), []);
  }
  t.is(reads(), 2);
  t.deepEqual(warnings, ['the GPUs are not watched any more: the driver is gone']);
});

test('without GPU addon there is no GPU metric', async (t) => {
  t.false((await new Metrics(() => []).text()).includes('sluice_gpu_'));
});

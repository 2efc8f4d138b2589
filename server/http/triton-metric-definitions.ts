const VERSION = ['model', 'version'] as const;
const GPU = ['gpu_uuid'] as const;

/** The metrics that NVIDIA Triton has too, under its names and in its units, for dashboards that know them. */
export const TRITON_METRICS = {
  success: versionCounter('nv_inference_request_success', 'Requests answered with results.'),
  failure: {
    name: 'nv_inference_request_failure',
    type: 'counter',
    labels: [...VERSION, 'reason'],
    help: 'Requests that failed: REJECTED (no room or no time), CANCELED, BACKEND (a fault of the execution) or OTHER.',
  },
  inferences: versionCounter('nv_inference_count', 'Rows of the requests that succeeded: pictures, or regions.'),
  executions: versionCounter('nv_inference_exec_count', 'Batches executed.'),
  requestDuration: versionCounter(
    'nv_inference_request_duration_us',
    'Microseconds from arrival to answer, of all requests that succeeded together.',
  ),
  queueDuration: versionCounter(
    'nv_inference_queue_duration_us',
    'Microseconds in the queue, of all requests that succeeded together.',
  ),
  inputDuration: versionCounter(
    'nv_inference_compute_input_duration_us',
    'Microseconds of decoding and pre-processing; each request has all of what its batch took.',
  ),
  inferDuration: versionCounter(
    'nv_inference_compute_infer_duration_us',
    'Microseconds of executing the model; each request has all of what its batch took.',
  ),
  outputDuration: versionCounter(
    'nv_inference_compute_output_duration_us',
    'Microseconds of post-processing; each request has all of what its batch took.',
  ),
  cacheHits: versionCounter('nv_cache_num_hits_per_model', 'Requests answered with the results of an equal one.'),
  cacheMisses: versionCounter(
    'nv_cache_num_misses_per_model',
    'Requests whose answer had not been kept and was computed.',
  ),
  cacheHitDuration: versionCounter(
    'nv_cache_hit_duration_per_model',
    'Microseconds of finding kept answers, and of waiting for the answer of an equal request that was being computed.',
  ),
  cacheMissDuration: versionCounter(
    'nv_cache_miss_duration_per_model',
    'Microseconds of looking for answers that were not there, and of keeping them once they were.',
  ),
  cacheEntries: cacheGauge('nv_cache_num_entries', 'Answers that are kept.'),
  cacheUtil: {
    ...cacheGauge('nv_cache_util', 'Share of --response-cache-bytes that is taken, 0 to 1.'),
    merge: 'average',
  },
  cacheEvictions: {
    name: 'nv_cache_num_evictions',
    type: 'counter',
    labels: [] as readonly string[],
    help: 'Answers that had to make room for others.',
  },
  pending: {
    name: 'nv_inference_pending_request_count',
    type: 'gauge',
    labels: VERSION,
    help: 'Requests that wait for a batch.',
  },
  loadDuration: {
    name: 'nv_model_load_duration_secs',
    type: 'gauge',
    labels: VERSION,
    help: 'Seconds that the version took to load, warm-up included.',
    merge: 'max',
  },
  cpuUtilization: machineGauge('nv_cpu_utilization', 'Share of the CPU time of the machine that anybody used, 0 to 1.'),
  cpuMemoryTotal: machineGauge('nv_cpu_memory_total_bytes', 'Memory of the machine.'),
  cpuMemoryUsed: machineGauge('nv_cpu_memory_used_bytes', 'Memory of the machine that is not available any more.'),
} as const;

/** As GPU_METRICS. */
export const TRITON_GPU_METRICS = {
  utilization: gpuGauge('nv_gpu_utilization', 'Share of the time in which the GPU computed, 0 to 1.'),
  memoryTotal: gpuGauge('nv_gpu_memory_total_bytes', 'Memory of the GPU.'),
  memoryUsed: gpuGauge('nv_gpu_memory_used_bytes', 'Memory of the GPU in use, by whatever process.'),
  power: gpuGauge('nv_gpu_power_usage', 'Watts that the GPU draws.'),
  powerLimit: gpuGauge('nv_gpu_power_limit', 'Watts at which the GPU slows itself down.'),
  energy: {
    name: 'nv_energy_consumption',
    type: 'counter',
    labels: GPU,
    help: 'Joules that the GPU has used since it was first looked at.',
    merge: 'first',
  },
} as const;

function versionCounter(name: string, help: string) {
  return { name, type: 'counter', labels: VERSION, help } as const;
}

/** Only where answers are kept. */
function cacheGauge(name: string, help: string) {
  return { name, type: 'gauge', labels: [] as readonly string[], help } as const;
}

/** Every process reads the same machine, and the same GPUs. */
function machineGauge(name: string, help: string) {
  return { name, type: 'gauge', labels: [] as readonly string[], help, merge: 'first' } as const;
}

function gpuGauge(name: string, help: string) {
  return { name, type: 'gauge', labels: GPU, help, merge: 'first' } as const;
}

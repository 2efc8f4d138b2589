import { ENGINE_METRICS } from './engine-metric-definitions.js';

/** One metric, as Prometheus sees it. */
export interface MetricDefinition {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
  /** How the values of several processes become one, where that is not their sum. */
  readonly merge?: 'first' | 'average' | 'max';
}

/** The metrics of Sluice's own. The reference (server/REFERENCE.md) is generated from this table and those below. */
export const METRICS = {
  requests: {
    name: 'sluice_requests_total',
    type: 'counter',
    labels: ['model', 'version'],
    help: 'Requests settled: answered, failed or dropped. One frame is one request.',
  },
  failures: {
    name: 'sluice_request_failures_total',
    type: 'counter',
    labels: ['model', 'version', 'reason'],
    help: 'Requests that failed, by error code. Frames dropped by the policy of their stream are not failures.',
  },
  framesDropped: {
    name: 'sluice_frames_dropped_total',
    type: 'counter',
    labels: ['model', 'version'],
    help: 'Frames that a newer one replaced, in streams that asked for the latest frame only.',
  },
  requestSeconds: {
    name: 'sluice_request_duration_seconds',
    type: 'histogram',
    labels: ['model', 'version'],
    help: 'Time from the arrival of a request to its answer, of requests that succeeded.',
  },
  phaseSeconds: {
    name: 'sluice_phase_duration_seconds',
    type: 'histogram',
    labels: ['model', 'version', 'phase'],
    help: 'Time in each phase: queue, one value a request; decode, preprocess, infer, postprocess, one value a batch.',
  },
  batchRows: {
    name: 'sluice_batch_rows',
    type: 'histogram',
    labels: ['model', 'version'],
    help: 'Rows of each executed batch: pictures, or regions. Its count is the number of executions.',
  },
  executedRequests: {
    name: 'sluice_executed_requests_total',
    type: 'counter',
    labels: ['model', 'version'],
    help: 'Requests that were part of an executed batch. Divided by sluice_batch_rows_count: requests per batch.',
  },
  queuedRequests: {
    name: 'sluice_queue_requests',
    type: 'gauge',
    labels: ['model', 'version'],
    help: 'Requests that wait for a batch.',
  },
  queuedBytes: {
    name: 'sluice_queue_bytes',
    type: 'gauge',
    labels: ['model', 'version'],
    help: 'Bytes of the pictures that wait for a batch.',
  },
  instances: {
    name: 'sluice_instances',
    type: 'gauge',
    labels: ['model', 'version', 'state'],
    help: 'Instances by state: idle or busy.',
  },
  sequences: {
    name: 'sluice_sequences',
    type: 'gauge',
    labels: ['model', 'version', 'state'],
    help: 'Open sequences, of models with sequence_batching: active (they have a slot) or backlog (they wait for one).',
  },
  modelState: {
    name: 'sluice_model_state',
    type: 'gauge',
    labels: ['model', 'version', 'state'],
    help: '1 for the state that the version is in, 0 for the others: LOADING, READY, UNLOADING, UNAVAILABLE. With several processes: the share of them.',
    merge: 'average',
  },
  streamsOpen: {
    name: 'sluice_streams_open',
    type: 'gauge',
    labels: ['call'],
    help: 'Streams that are open now, by call: Detect or Embed.',
  },
  streams: {
    name: 'sluice_streams_total',
    type: 'counter',
    labels: ['call', 'outcome'],
    help: 'Streams that have ended: OK, or the error code that ended them.',
  },
  connections: {
    name: 'sluice_connections_open',
    type: 'gauge',
    labels: ['process'],
    help: 'Connections of clients that are open now, by server process, from 1 to --processes.',
  },
  refusedCalls: {
    name: 'sluice_refused_calls_total',
    type: 'counter',
    labels: ['reason'],
    help: 'Calls that were not let in at the gRPC port: UNAUTHENTICATED, PERMISSION_DENIED, CLIENT_LIMIT, METHOD_UNKNOWN.',
  },
  certificateExpiry: {
    name: 'sluice_certificate_expiry_timestamp_seconds',
    type: 'gauge',
    labels: [],
    help: 'When the certificate that new connections are given expires, in seconds since 1970. Only with TLS.',
    merge: 'first',
  },
  spansExported: {
    name: 'sluice_trace_spans_exported_total',
    type: 'counter',
    labels: [],
    help: 'Spans of traces that the collector has taken.',
  },
  spansLost: {
    name: 'sluice_trace_spans_lost_total',
    type: 'counter',
    labels: ['reason'],
    help: 'Spans of traces that were lost: queue_full (they came faster than they could be sent) or not_taken.',
  },
  ...ENGINE_METRICS,
} as const satisfies Record<string, MetricDefinition>;

/** There where --processes is over 1. */
export const PROCESS_METRICS = {
  processes: {
    name: 'sluice_processes',
    type: 'gauge',
    labels: ['state'],
    help: 'Server processes by state: ready or not_ready. Only with --processes over 1.',
  },
  replaced: {
    name: 'sluice_processes_ended_total',
    type: 'counter',
    labels: [],
    help: 'Server processes that ended although the server went on, and were replaced. Only with --processes over 1.',
  },
} as const satisfies Record<string, MetricDefinition>;

/** GPU labels. */
const GPU = ['gpu', 'uuid', 'name'] as const;

/** There where the server has its GPU addon. What a GPU or its driver does not tell is left out. */
export const GPU_METRICS = {
  utilization: gpuGauge('sluice_gpu_utilization_ratio', 'Share of the time in which the GPU computed, 0 to 1.'),
  memoryTotal: gpuGauge('sluice_gpu_memory_total_bytes', 'Memory of the GPU.'),
  memoryUsed: gpuGauge('sluice_gpu_memory_used_bytes', 'Memory of the GPU in use, by whatever process.'),
  power: gpuGauge('sluice_gpu_power_watts', 'Power that the GPU draws.'),
  powerLimit: gpuGauge('sluice_gpu_power_limit_watts', 'Power at which the GPU slows itself down.'),
  energy: {
    name: 'sluice_gpu_energy_joules_total',
    type: 'counter',
    labels: GPU,
    help: 'Energy that the GPU has used since its driver was loaded.',
    merge: 'first',
  },
  temperature: gpuGauge('sluice_gpu_temperature_celsius', 'Temperature of the GPU.'),
  jpegUtilization: gpuGauge(
    'sluice_gpu_jpeg_utilization_ratio',
    'Share of the time in which the JPEG engines of the GPU decoded, 0 to 1.',
  ),
} as const satisfies Record<string, MetricDefinition>;

/** Every process reads the same GPUs. */
function gpuGauge(name: string, help: string) {
  return { name, type: 'gauge', labels: GPU, help, merge: 'first' } as const;
}

/** Seconds. From what decoding a small picture takes to what a client gives up after. */
export const DURATION_BUCKETS = [
  0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10,
];

/** Rows; the last is the most that `max_batch_size` may be. */
export const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

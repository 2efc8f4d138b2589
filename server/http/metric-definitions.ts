import { ENGINE_METRICS } from './engine-metric-definitions.js';

/** One metric, as Prometheus sees it. */
export interface MetricDefinition {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
}

/** The metrics of Sluice's own. The reference (server/REFERENCE.md) is generated from this table. */
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
  modelState: {
    name: 'sluice_model_state',
    type: 'gauge',
    labels: ['model', 'version', 'state'],
    help: '1 for the state that the version is in, 0 for the others: LOADING, READY, UNLOADING, UNAVAILABLE.',
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
  ...ENGINE_METRICS,
} as const satisfies Record<string, MetricDefinition>;

/** Seconds. From what decoding a small picture takes to what a client gives up after. */
export const DURATION_BUCKETS = [
  0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10,
];

/** Rows; the last is the most that `max_batch_size` may be. */
export const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

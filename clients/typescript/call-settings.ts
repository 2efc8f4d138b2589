import type { CallOptions } from '@grpc/grpc-js';

/** When a call is over, whether it has been answered or not. */
export interface CallSettings {
  /** Milliseconds from now; then it fails with DEADLINE_EXCEEDED. Left out: never. */
  readonly deadlineMs?: number;
  /** Ends the call with CANCELLED: everything that is queued leaves the server. */
  readonly signal?: AbortSignal;
}

/** The deadline as gRPC takes it; the signal is for who has the call. */
export function callOptions({ deadlineMs }: CallSettings): CallOptions {
  return deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
}

import type { Deadline } from '@grpc/grpc-js';

/** Microseconds until the deadline of a call; null: it has none. */
export function callTimeout(deadline: Deadline): number | null {
  const milliseconds = Number(deadline);
  return milliseconds < Infinity ? (milliseconds - Date.now()) * 1000 : null;
}

import { status } from '@grpc/grpc-js';

/** The status of a failed call by name, such as UNAVAILABLE; null: the error is not of a call. */
export function statusName(error: unknown): string | null {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === 'number' ? (status[code] ?? `status ${code}`) : null;
}

import type { ServerOptions } from '../config/server-options.js';
import type { ServedMemory } from '../core/shared-memory.js';
import { SharedSegments } from '../runtime/shared-segments.js';
import type { Seat } from './seat.js';

/** Memory that clients share with this process, or with all where there are others; null: none may. */
export function clientMemory(
  { allowClientShm }: Pick<ServerOptions, 'allowClientShm'>,
  seat: Seat | null,
): ServedMemory | null {
  if (!allowClientShm) return null;
  if (seat !== null) return seat.sharedMemory;
  const segments = new SharedSegments();
  return { memory: segments, control: segments };
}

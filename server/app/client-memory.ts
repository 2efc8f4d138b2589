import type { ServedMemory } from '../core/shared-memory.js';
import { SharedSegments } from '../runtime/shared-segments.js';

/** Memory that clients share with this process. */
export function ownMemory(): ServedMemory {
  const segments = new SharedSegments();
  return { memory: segments, control: segments };
}

import { setFlagsFromString } from 'node:v8';

/** In percent of what lives. */
const HEAP_GROWTH = 400;

/**
 * Lets garbage grow to four times what lives, in every thread of the process, before V8 goes through the heap. The chunks
 * of messages are garbage at once and count as part of it: with V8's own measure, of a few tens of MB, it was gone
 * through for every 20 MB received, which took a server of two cores a third of its time.
 */
export function collectSeldom(): void {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH}`);
}

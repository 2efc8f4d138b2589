const FIRST_MILLISECONDS = 250;
const LONGEST_MILLISECONDS = 30_000;

/** How long after the end of a process the next one is started, where `ends` processes before it ended soon after. */
export function backOff(ends: number): number {
  return Math.min(LONGEST_MILLISECONDS, FIRST_MILLISECONDS * 2 ** Math.min(ends, 20));
}

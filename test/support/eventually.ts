import { setTimeout as pause } from 'node:timers/promises';

const TRIES = 800;
const BETWEEN_MS = 25;

/** Looks until `condition` holds and returns what it gave; throws when it has not held after many looks. */
export async function eventually<T>(
  what: string,
  condition: () => Promise<T | false | undefined> | T | false | undefined,
): Promise<T> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const found = await condition();
    if (found !== false && found !== undefined) return found;
    await pause(BETWEEN_MS);
  }
  throw new Error(`it never came to pass: ${what}`);
}

/** Looks until `measure` has given the same value many times in a row, and returns it. */
export async function settled(what: string, measure: () => Promise<number> | number): Promise<number> {
  let last = Number.NaN;
  let same = 0;
  return eventually(`${what} stays the same`, async () => {
    const value = await measure();
    same = value === last ? same + 1 : 0;
    last = value;
    return same >= 12 ? value : undefined;
  });
}

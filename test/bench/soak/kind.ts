import { isDeepStrictEqual } from 'node:util';
import { status as Status, type ServiceError } from '@grpc/grpc-js';
import type { Random } from '../../support/random.js';

/** One kind of what clients do, good or bad. */
export interface Kind {
  readonly name: string;
  /** How often it is chosen, against the others. */
  readonly weight: number;
  /**
   * Does it once and returns how many requests that were, one for each frame or call. Throws when the server did anything
   * but what it should have.
   */
  readonly act: (random: Random) => Promise<number>;
}

/** Throws unless both are alike. */
export function same(what: string, found: unknown, wanted: unknown): void {
  if (isDeepStrictEqual(found, wanted)) return;
  throw new Error(`${what}: found ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
}

/** Throws unless a call fails, with one of these statuses. */
export async function failsWith(what: string, call: Promise<unknown>, ...codes: readonly Status[]): Promise<void> {
  const found = await call.then(
    () => Status.OK,
    ({ code }: ServiceError) => code,
  );
  oneOf(what, found, codes);
}

/** Throws unless the status is one of these. */
export function oneOf(what: string, code: Status, codes: readonly Status[]): void {
  if (!codes.includes(code)) throw new Error(`${what} ended with ${Status[code]}`);
}

import { quoted, ServingError } from '../core/errors.js';

/** The version that a message names; null: the newest ready one. Throws INVALID_REQUEST. */
export function readVersion(version: string): number | null {
  if (version === '') return null;
  if (/^[1-9][0-9]{0,8}$/.test(version)) return Number(version);
  throw new ServingError('INVALID_REQUEST', `version ${quoted(version)} is not a positive whole number`);
}

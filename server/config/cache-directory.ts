import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Where what can be made anew is kept for `purpose`: as the XDG base directories have it, which must be absolute. */
export function cacheDirectory(purpose: string, { XDG_CACHE_HOME: base = '' } = process.env): string {
  return join(isAbsolute(base) ? base : join(homedir(), '.cache'), 'sluice', purpose);
}

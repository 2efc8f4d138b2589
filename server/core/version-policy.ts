import { quoted, ServingError } from './errors.js';
import type { ModelConfig } from './model-config.js';

/** The versions of a model that its policy serves, out of those on disk; ascending. */
export function selectVersions(policy: ModelConfig['version_policy'], available: readonly number[]): number[] {
  const ascending = [...available].sort((a, b) => a - b);
  if ('all' in policy) return ascending;
  if ('latest' in policy) return ascending.slice(-policy.latest.num_versions);
  return ascending.filter((version) => policy.specific.versions.includes(version));
}

/** A version as a client names it; null: it leaves the choice open. Throws INVALID_REQUEST. */
export function readVersion(version: string): number | null {
  if (version === '') return null;
  if (/^[1-9][0-9]{0,8}$/.test(version)) return Number(version);
  throw new ServingError('INVALID_REQUEST', `version ${quoted(version)} is not a positive whole number`);
}

import type { ModelConfig } from './model-config.js';

/** The versions of a model that its policy serves, out of those on disk; ascending. */
export function selectVersions(policy: ModelConfig['version_policy'], available: readonly number[]): number[] {
  const ascending = [...available].sort((a, b) => a - b);
  if ('all' in policy) return ascending;
  if ('latest' in policy) return ascending.slice(-policy.latest.num_versions);
  return ascending.filter((version) => policy.specific.versions.includes(version));
}

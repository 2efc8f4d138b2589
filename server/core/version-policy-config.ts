import { z } from 'zod';

/** The key `version_policy` of a config.yaml. */
export const versionPolicySchema = z
  .union([
    z.strictObject({
      latest: z
        .strictObject({ num_versions: z.int().min(1).describe('How many.') })
        .describe('The highest version numbers.'),
    }),
    z.strictObject({ all: z.strictObject({}).describe('Every version.') }),
    z.strictObject({
      specific: z
        .strictObject({ versions: z.array(z.int().min(1)).min(1).describe('Version numbers.') })
        .describe('These versions.'),
    }),
  ])
  .describe(
    'Which version directories are served: `latest: {num_versions: n}`, `all: {}` or `specific: {versions: [..]}`.',
  );

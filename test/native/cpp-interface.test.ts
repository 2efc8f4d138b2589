import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';

/** The C++ interface without a GPU: tensors, files of them, letterboxes. `make native-gpu-check` builds the program. */
const BUILDS = 'build/native-gpu-check';
const PROGRAMS = (existsSync(BUILDS) ? readdirSync(BUILDS).sort() : []).map((version) =>
  join(BUILDS, version, 'infer_api_test'),
);

(PROGRAMS.length === 0 ? test.skip : test)('the C++ interface keeps its claims that need no GPU', (t) => {
  for (const program of PROGRAMS) {
    const { status, stdout, stderr, error } = spawnSync(program, { encoding: 'utf8' });
    t.is(error, undefined);
    t.is(status, 0, stdout + stderr);
    for (const group of ['tensors', 'npy files', 'letterboxes'])
      t.regex(stdout, new RegExp(`^ok ${group}: [1-9]`, 'm'));
  }
});

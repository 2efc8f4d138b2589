import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The Python of the tests, which has NumPy. */
const PYTHON = join('.venv', 'bin', 'python');

/** Runs a script of test/oracle and returns what it prints. Throws with its error output where it fails. */
export function runOracle(script: string, args: readonly string[], input?: Uint8Array): Buffer {
  const python = existsSync(PYTHON) ? PYTHON : 'python3';
  const { status, stdout, stderr, error } = spawnSync(python, [join('test', 'oracle', script), ...args], {
    input,
    maxBuffer: 2 ** 30,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${script} ${args.join(' ')} failed:\n${stderr.toString()}`);
  return stdout;
}

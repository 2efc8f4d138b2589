import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runToEnd, type Ended } from '../clients/client-programs.js';

const PYTHON = join('.venv-triton', 'bin', 'python');

/** Runs a script with Triton's own Python client. */
export function runTritonScript(script: string, args: readonly string[]): Promise<Ended> {
  if (!existsSync(PYTHON)) throw new Error(`${PYTHON} is missing: run make ${join('.venv-triton', '.installed')}`);
  return runToEnd(PYTHON, [script, ...args]);
}

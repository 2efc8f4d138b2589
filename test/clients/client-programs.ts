import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const PYTHON = join('.venv', 'bin', 'python');
const PYTHON_PROTOCOL = join('clients', 'python', 'sluice_client', 'gen', 'inference_pb2.py');

/** How a program ended, and what it printed. */
export interface Ended {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly stderr: string;
}

/** The `detect` and `embed` programs of one language's client. */
export interface ClientPrograms {
  readonly language: string;
  /** Why they cannot be had on this machine; null: they can. */
  readonly missing: string | null;
  /** Flags come first: Go reads none behind a file. */
  run(program: 'detect' | 'embed', args: readonly string[]): Promise<Ended>;
}

export const pythonPrograms: ClientPrograms = {
  language: 'Python',
  missing: null,
  run: (program, args) => runPython(join('clients', 'python', `${program}.py`), args),
};

export const goPrograms: ClientPrograms = {
  language: 'Go',
  missing: goIsUsable() ? null : 'Go is not installed, or too old for clients/go/go.mod',
  run(program, args) {
    const file = join('build', 'go', program);
    if (!existsSync(file)) throw new Error(`${file} is missing: run make setup clients`);
    return runToEnd(file, args);
  },
};

/** Runs a script of the Python client's; its environment has `variables` too. */
export function runPython(
  script: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const missing = [PYTHON, PYTHON_PROTOCOL].find((file) => !existsSync(file));
  if (missing !== undefined) throw new Error(`${missing} is missing: run make setup clients`);
  return runToEnd(PYTHON, [script, ...args], variables);
}

/** Runs a program until it ends; its environment has `variables` too. */
export async function runToEnd(
  file: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...variables } });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, lines: stdout.split('\n').filter((line) => line !== ''), stderr };
}

function goIsUsable(): boolean {
  return spawnSync('go', ['list', '-m'], { cwd: join('clients', 'go') }).status === 0;
}

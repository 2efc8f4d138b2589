import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';

const PYTHON = join('.venv', 'bin', 'python');
const PYTHON_PROTOCOL = join('clients', 'python', 'sluice_client', 'gen', 'inference_pb2.py');

/** What clients/clients.mk builds the C++ client with. */
const CPP_TOOLS = 'pkg-config --exists grpc++ protobuf && command -v protoc && command -v grpc_cpp_plugin';

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
  readonly run: (program: 'detect' | 'embed', args: readonly string[]) => Promise<Ended>;
}

export const pythonPrograms: ClientPrograms = {
  language: 'Python',
  missing: null,
  run: (program, args) => runPython([join('clients', 'python', `${program}.py`), ...args]),
};

export const goPrograms: ClientPrograms = {
  language: 'Go',
  missing: answers('go', ['-C', join('clients', 'go'), 'list', '-m'])
    ? null
    : 'Go is not installed, or too old for clients/go/go.mod',
  run(program, args) {
    const file = join('build', 'go', program);
    return runBuilt(file, args, file);
  },
};

export const javaPrograms: ClientPrograms = {
  language: 'Java',
  missing: answers('mvn', ['--version']) ? null : 'Maven is not installed',
  run(program, args) {
    const directory = join('build', 'java');
    const jar = join(directory, 'sluice-client-0.1.0.jar');
    const main = `sluice.client.examples.${program === 'detect' ? 'Detect' : 'Embed'}`;
    return runBuilt('java', ['-cp', [jar, join(directory, 'lib', '*')].join(delimiter), main, ...args], jar);
  },
};

export const cppPrograms: ClientPrograms = {
  language: 'C++',
  missing: answers('sh', ['-c', CPP_TOOLS]) ? null : 'gRPC for C++ is not installed',
  run(program, args) {
    const file = join('build', 'cpp', program);
    return runBuilt(file, args, file);
  },
};

/** The languages whose `detect` and `embed` have the same flags and print the same lines. */
export const allPrograms: readonly ClientPrograms[] = [pythonPrograms, goPrograms, javaPrograms, cppPrograms];

/** Runs Python where the client's protocol is there; its environment has `variables` too. */
export function runPython(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const missing = [PYTHON, PYTHON_PROTOCOL].find((file) => !existsSync(file));
  if (missing !== undefined) throw new Error(`${missing} is missing: run make setup clients`);
  return runToEnd(PYTHON, args, variables);
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

/** Runs what `make clients` has made of `built`. */
function runBuilt(file: string, args: readonly string[], built: string): Promise<Ended> {
  if (!existsSync(built)) throw new Error(`${built} is missing: run make setup clients`);
  return runToEnd(file, args);
}

/** Whether a command is there and ends well. */
function answers(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args).status === 0;
}

import { existsSync } from 'node:fs';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

export const CHART = join('deploy', 'helm', 'sluice');

/** The release of Kubernetes that is rendered and validated for; no older one than the chart allows. */
export const KUBERNETES = '1.34';

/** Why Helm and Kustomize cannot be had on this machine; null: they can. */
export const missingTools: string | null =
  spawnSync('go', ['list', '-m'], { cwd: join('test', 'deploy', 'tools') }).status === 0
    ? null
    : 'Go is not installed, or too old for test/deploy/tools/go.mod';

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export async function runTool(file: string, args: readonly string[], input = ''): Promise<Ran> {
  if (!existsSync(file)) throw new Error(`${file} is missing: run make deploy-tools`);
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

/** A program that test/deploy/tools has built. */
export function deployTool(name: 'helm' | 'kustomize' | 'crds'): string {
  return join('build', 'deploy-tools', name);
}

/** The chart as Helm renders it, or what Helm has to say against it. */
export function template(flags: readonly string[]): Promise<Ran> {
  const release = ['template', 'sluice', CHART, '--namespace', 'sluice', '--kube-version', `${KUBERNETES}.0`];
  return runTool(deployTool('helm'), [...release, ...flags]);
}

/** The documents of the chart with some values. Throws when it does not render. */
export async function rendered(...values: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await template(values.flatMap((value) => ['--set', value]));
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/**
 * What is wrong with Kubernetes documents by its own schemas, and by the Prometheus operator's types: fields that do not
 * exist count. An empty list: nothing. `checked` is the number of documents that were held against a schema.
 */
export async function problemsOf(
  documents: string,
): Promise<{ readonly problems: string[]; readonly checked: number }> {
  const python = join('.venv', 'bin', 'python');
  const [own, operator] = await Promise.all([
    runTool(python, [join('test', 'deploy', 'validate.py'), KUBERNETES], documents),
    runTool(deployTool('crds'), [], documents),
  ]);
  const problems = own.stderr.split('\n').filter((line) => line !== '');
  if (operator.code !== 0) problems.push(operator.stderr.trim());
  return { problems, checked: Number(own.stdout) + Number(operator.stdout) };
}

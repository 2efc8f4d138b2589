import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The `sluice` program, from dist/test/support. */
const MAIN = fileURLToPath(new URL('../../server/main.js', import.meta.url));

/** How a command ended. */
export interface Outcome {
  /** The exit code, or the signal that ended it. */
  readonly code: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run of the `sluice` program, with what it has printed so far. */
export class SluiceCommand {
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;

  /** `environment` goes on top of this process's own, from which variables of Sluice are taken out. */
  constructor(flags: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('SLUICE_'));
    this.#child = spawn(process.execPath, [MAIN, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...Object.fromEntries(inherited), ...environment },
    });
    this.#child.stdout?.on('data', (text: Buffer) => (this.stdout += text.toString()));
    this.#child.stderr?.on('data', (text: Buffer) => (this.stderr += text.toString()));
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Resolves when it has ended and everything it printed is there. */
  async ended(): Promise<Outcome> {
    const [code, signal] = (await once(this.#child, 'close')) as [number | null, NodeJS.Signals | null];
    return { code: code ?? signal ?? 0, stdout: this.stdout, stderr: this.stderr };
  }
}

/** Runs `sluice` to its end. */
export function sluice(flags: readonly string[], environment?: Readonly<Record<string, string>>): Promise<Outcome> {
  return new SluiceCommand(flags, environment).ended();
}

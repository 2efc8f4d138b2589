import { fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { errorCode, ServingError } from '../core/errors.js';
import type { EngineBuildResult, EngineBuildSpec, GpuDevice, GpuInfo } from './native-gpu.js';

/** What the GPU addon is asked in a process of its own. Everything here survives JSON. */
export type GpuRequest =
  { readonly type: 'devices' } | { readonly type: 'build'; readonly spec: Omit<EngineBuildSpec, 'progressFd'> };

/** What each request is answered with. */
export interface GpuAnswers {
  devices: { readonly info: GpuInfo; readonly devices: readonly GpuDevice[] };
  build: EngineBuildResult;
}

/** `code` as the addon gives it. */
export type GpuReply =
  | { readonly result: GpuAnswers[keyof GpuAnswers] }
  | { readonly error: { readonly code: string; readonly message: string } };

/** A line that the addon writes while it builds. */
export type GpuLine =
  | { readonly progress: number; readonly phase: string }
  | { readonly level: 'info' | 'warn' | 'error'; readonly message: string };

export interface GpuCall<T extends GpuRequest['type']> {
  readonly addonFile: string;
  readonly request: Extract<GpuRequest, { type: T }>;
  /** Ends the process. */
  readonly signal: AbortSignal;
  readonly onLine?: (line: GpuLine) => void;
}

const PROGRAM = fileURLToPath(new URL('./gpu-process-main.js', import.meta.url));

/** Where the child's lines are written: the first descriptor after its standard ones. */
export const LINES_FD = 3;

/** Of what the child prints, the end that is shown when it dies. */
const LAST_WORDS = 600;

/**
 * Asks the GPU addon in a child process: a crash or a hang of CUDA, of the driver or of TensorRT costs that process only.
 * Throws what the addon throws, INTERNAL when the process dies, and the reason of `signal` when that is aborted.
 */
export async function callGpuProcess<T extends GpuRequest['type']>(call: GpuCall<T>): Promise<GpuAnswers[T]> {
  const { addonFile, request, signal, onLine } = call;
  signal.throwIfAborted();
  // Detached, so that Ctrl-C on a terminal is left to this process, which ends the child its own way.
  const child = fork(PROGRAM, [addonFile], {
    detached: true,
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'ipc'],
  });
  const kill = () => child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  let reply: GpuReply | null = null;
  let lastWords = '';
  try {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (text: Buffer) => (lastWords = (lastWords + text.toString()).slice(-LAST_WORDS)));
    }
    createInterface(child.stdio[LINES_FD] as Readable).on('line', (line) => tell(line, onLine));
    const end = await new Promise<string>((resolve) => {
      child.once('error', (cause) => resolve(`could not be started: ${cause.message}`));
      child.once('message', (message) => {
        reply = message as GpuReply;
        // What it holds is written; the ways in which a driver may hang or crash at the end are of no interest.
        kill();
      });
      child.once('close', (code, killed) => resolve(describeEnd(code, killed)));
      // Where it does not arrive, the end of the child tells why.
      child.send(request, () => {});
    });
    return answer<T>(reply, end, lastWords, signal);
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

function answer<T extends GpuRequest['type']>(
  reply: GpuReply | null,
  end: string,
  lastWords: string,
  signal: AbortSignal,
): GpuAnswers[T] {
  if (reply !== null && 'result' in reply) return reply.result as GpuAnswers[T];
  signal.throwIfAborted();
  if (reply !== null) {
    const { code, message } = reply.error;
    throw new ServingError(errorCode(code), message);
  }
  const printed = lastWords.trim() === '' ? '' : `; the last that it printed: ${lastWords.trim()}`;
  throw new ServingError('INTERNAL', `the process that ran TensorRT ${end}${printed}`);
}

function describeEnd(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal === 'SIGKILL') return 'was killed (SIGKILL), most often for lack of memory';
  return signal === null ? `ended with code ${code} and without an answer` : `crashed (${signal})`;
}

/** A line that is none of ours says nothing. */
function tell(text: string, onLine: GpuCall<'build'>['onLine']): void {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return;
  }
  if (typeof line === 'object' && line !== null) onLine?.(line as GpuLine);
}

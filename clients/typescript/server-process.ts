import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The `sluice` program, from dist/clients/typescript. */
const MAIN = fileURLToPath(new URL('../../server/main.js', import.meta.url));

/** A line of the server's log. */
export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [key: string]: unknown;
}

export interface ServerProcessOptions {
  readonly modelRepository: string;
  /** Further flags of `sluice serve`. */
  readonly flags?: readonly string[];
  /** Variables beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A `sluice serve` of one's own on free ports: for demonstrations, development and tests. */
export class ServerProcess implements AsyncDisposable {
  /** `host:port`. */
  readonly grpcAddress: string;
  /** `host:port`. */
  readonly httpAddress: string;
  /** Everything it has logged. */
  readonly log: readonly LogLine[];
  readonly #child: ChildProcess;
  readonly #closed: Promise<[code: number | null, signal: NodeJS.Signals | null]>;

  private constructor(child: ChildProcess, grpcAddress: string, httpAddress: string, log: readonly LogLine[]) {
    this.#child = child;
    this.#closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    this.grpcAddress = grpcAddress;
    this.httpAddress = httpAddress;
    this.log = log;
  }

  /** Resolves when every model is READY or UNAVAILABLE. Rejects with what the server printed when it ends first. */
  static async start({ modelRepository, flags, environment }: ServerProcessOptions): Promise<ServerProcess> {
    const free = '127.0.0.1:0';
    const child = spawn(
      process.execPath,
      [
        MAIN,
        'serve',
        '--model-repository',
        modelRepository,
        '--grpc-address',
        free,
        '--http-address',
        free,
        ...(flags ?? []),
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } },
    );
    const log: LogLine[] = [];
    let printed = '';
    child.stderr.on('data', (text: Buffer) => (printed += text.toString()));
    return await new Promise((resolve, reject) => {
      let listening: LogLine | undefined;
      createInterface(child.stdout).on('line', (text) => {
        const line = readLine(text);
        log.push(line);
        if (line.msg === 'listening') listening = line;
        if (line.msg === 'started' && listening !== undefined) {
          resolve(new ServerProcess(child, String(listening['grpc']), String(listening['http']), log));
        }
      });
      child.once('exit', (code, signal) => {
        const lines = log.map(({ msg }) => msg).join('\n');
        reject(new Error(`the server ended before it was started (${code ?? signal}):\n${printed}${lines}`));
      });
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** The exit code, or the signal that ended it; everything it logged has been read by then. */
  async ended(): Promise<number | NodeJS.Signals> {
    const [code, signal] = await this.#closed;
    return code ?? signal ?? 0;
  }

  /** SIGTERM, and waits for the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.ended();
  }
}

function readLine(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return { level: 0, msg: text };
  }
}

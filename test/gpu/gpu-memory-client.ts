import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Another process with memory on GPU 0, as clients of the server are: native/test/shared_memory_client.cc. */
export class GpuMemoryClient implements AsyncDisposable {
  /** Of each allocation. */
  readonly handles: readonly Uint8Array[];
  readonly #program: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;

  private constructor(
    handles: readonly Uint8Array[],
    program: ChildProcess,
    lines: AsyncIterator<string>,
    ended: Promise<unknown>,
  ) {
    this.handles = handles;
    this.#program = program;
    this.#lines = lines;
    this.#ended = ended;
  }

  /** Makes an allocation of each size, in bytes. */
  static async start(...sizes: readonly number[]): Promise<GpuMemoryClient> {
    const file = join('build', 'native', 'shared_memory_client');
    const program = spawn(file, ['0', ...sizes.map(String)], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(program, 'close');
    const lines = createInterface(program.stdout)[Symbol.asyncIterator]();
    const handles: Uint8Array[] = [];
    while (handles.length < sizes.length) handles.push(Buffer.from(await next(lines), 'hex'));
    return new GpuMemoryClient(handles, program, lines, ended);
  }

  async put(allocation: number, offset: number, bytes: Uint8Array): Promise<void> {
    const said = await this.#ask(`put ${allocation} ${offset} ${Buffer.from(bytes).toString('hex')}`);
    if (said !== 'ok') throw new Error(said);
  }

  async get(allocation: number, offset: number, count: number): Promise<Uint8Array> {
    return new Uint8Array(Buffer.from(await this.#ask(`get ${allocation} ${offset} ${count}`), 'hex'));
  }

  /** Frees the memory, and ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#program.stdin?.end();
    await this.#ended;
  }

  #ask(line: string): Promise<string> {
    this.#program.stdin?.write(`${line}\n`);
    return next(this.#lines);
  }
}

async function next(lines: AsyncIterator<string>): Promise<string> {
  const { done, value } = await lines.next();
  if (done === true) throw new Error('shared_memory_client has ended; it said why');
  return value as string;
}

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { KServeClient } from '../../../clients/typescript/kserve-client.js';
import { eventually } from '../../support/eventually.js';
import { root } from '../bench-repository.js';
import type { TensorServer } from '../tensor-server.js';

const VENV = join(root, '.venv-triton');

/** NVIDIA Triton on a model repository of its own kind, in processes of its own. */
export class Triton implements TensorServer, AsyncDisposable {
  readonly name = 'triton';
  readonly grpcAddress: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(child: ChildProcess, grpcAddress: string) {
    this.#child = child;
    this.#ended = once(child, 'close');
    this.grpcAddress = grpcAddress;
  }

  /** Resolves when all its models are loaded. Rejects with what it printed when one is not. */
  static async start(modelRepository: string): Promise<Triton> {
    const packages = packagesOf(VENV);
    const program = join(packages, 'pytriton', 'tritonserver', 'bin', 'tritonserver');
    const backends = join(VENV, 'backends');
    if (!existsSync(program) || !existsSync(backends)) throw new Error(`${program} is missing: run make bench-peers`);
    const port = await freePort();
    // OpenBLAS chooses its code by the processor itself: what machines of old builds set holds it back.
    const { OPENBLAS_CORETYPE: _, OPENBLAS_L2_SIZE: __, ...inherited } = process.env;
    const child = spawn(
      program,
      [
        `--model-repository=${modelRepository}`,
        `--backend-directory=${backends}`,
        '--allow-http=false',
        '--allow-metrics=false',
        '--grpc-address=127.0.0.1',
        `--grpc-port=${port}`,
      ],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: {
          ...inherited,
          LD_LIBRARY_PATH: join(packages, 'nvidia_pytriton.libs'),
          PATH: `${join(VENV, 'bin')}:${process.env['PATH']}`,
          PYTHONPATH: packages,
        },
      },
    );
    let printed = '';
    child.stderr?.on('data', (text: Buffer) => (printed += text.toString()));
    const triton = new Triton(child, `127.0.0.1:${port}`);
    try {
      // It takes calls only once all models are there.
      await eventually('Triton is ready', async () => {
        if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
        const client = await KServeClient.connect(triton.grpcAddress, { timeoutMs: 100 }).catch(() => null);
        client?.[Symbol.dispose]();
        return client !== null;
      });
    } catch (cause) {
      await triton[Symbol.asyncDispose]();
      throw new Error(`Triton does not start:\n${printed}`, { cause });
    }
    return triton;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#ended;
  }
}

function packagesOf(venv: string): string {
  const lib = join(venv, 'lib');
  const python = existsSync(lib) ? readdirSync(lib).find((name) => name.startsWith('python3')) : undefined;
  return join(lib, python ?? 'python3', 'site-packages');
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why no certificates can be made on this machine; null: they can. */
export const opensslMissing: string | null =
  spawnSync('openssl', ['version']).status === 0 ? null : 'openssl is not installed: apt-get install openssl';

/** A certificate and its key, PEM. */
export interface Pair {
  readonly certificate: Buffer;
  readonly key: Buffer;
}

export interface IssueOptions {
  /** Days from now; below 0: it has expired. Default: 30. */
  readonly days?: number;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** An authority of the test's own, which makes certificates with the openssl command. */
export class Authority implements AsyncDisposable {
  /** PEM. */
  readonly certificate: Buffer;
  readonly #directory: string;
  #issued = 0;

  private constructor(directory: string, certificate: Buffer) {
    this.#directory = directory;
    this.certificate = certificate;
  }

  static async create(): Promise<Authority> {
    const directory = await mkdtemp(join(tmpdir(), 'sluice-authority-'));
    const file = (name: string): string => join(directory, name);
    const options = ['-x509', ...NEW_KEY, '-days', '30', '-subj', '/CN=test authority'];
    openssl('req', ...options, '-keyout', file('ca.key'), '-out', file('ca.crt'));
    return new Authority(directory, await readFile(file('ca.crt')));
  }

  /** A certificate for `name`, good for servers on this machine and for clients. */
  async issue(name: string, { days = 30 }: IssueOptions = {}): Promise<Pair> {
    const file = (ending: string): string => join(this.#directory, `${this.#issued}.${ending}`);
    this.#issued += 1;
    await writeFile(file('ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n');
    openssl('req', ...NEW_KEY, '-subj', `/CN=${name}`, '-keyout', file('key'), '-out', file('csr'));
    const authority = ['-CA', join(this.#directory, 'ca.crt'), '-CAkey', join(this.#directory, 'ca.key')];
    const form = ['-CAcreateserial', '-days', String(days), '-extfile', file('ext')];
    openssl('x509', '-req', ...authority, ...form, '-in', file('csr'), '-out', file('crt'));
    return { certificate: await readFile(file('crt')), key: await readFile(file('key')) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}

function openssl(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args[0]} failed: ${stderr}`);
}

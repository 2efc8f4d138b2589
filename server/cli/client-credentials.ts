import { readFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import type { ConnectionSettings, TlsSettings } from '../../clients/typescript/sluice-client.js';
import { UsageError } from '../config/server-options.js';

/** How a command connects to a running server: the flags that `addCredentialOptions` adds. */
export interface CredentialFlags {
  readonly tls?: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
}

/** Adds the flags that say how to connect to a running server, and as whom. */
export function addCredentialOptions(command: Command): Command {
  return command
    .option('--tls', 'connect to the server by TLS')
    .option('--ca <FILE>', "authorities that the server's certificate may be of, PEM (default: those of Node.js)")
    .option('--cert <FILE>', 'own certificate, PEM, where the server asks for one')
    .option('--key <FILE>', 'private key of --cert, PEM')
    .addOption(new Option('--token <TOKEN>', 'token, where the server asks for one').env('SLUICE_TOKEN'));
}

/** What the flags say, with the files read. Throws a UsageError where they contradict one another. */
export async function connectionSettings({ tls, ca, cert, key, token }: CredentialFlags): Promise<ConnectionSettings> {
  if (tls !== true && [ca, cert, key].some((file) => file !== undefined)) {
    throw new UsageError('--ca, --cert and --key only have a meaning with --tls');
  }
  if ((cert === undefined) !== (key === undefined)) throw new UsageError('--cert and --key go together');
  return {
    ...(tls === true ? { tls: await readTls({ ca, certificate: cert, key }) } : {}),
    ...(token === undefined ? {} : { token }),
  };
}

async function readTls(files: Readonly<Record<keyof TlsSettings, string | undefined>>): Promise<TlsSettings> {
  const read = Object.entries(files).flatMap(([name, file]) => (file === undefined ? [] : [{ name, file }]));
  return Object.fromEntries(await Promise.all(read.map(async ({ name, file }) => [name, await readFile(file)])));
}

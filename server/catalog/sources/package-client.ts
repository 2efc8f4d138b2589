import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CatalogError } from '../catalog-error.js';

export interface PackageClient {
  readonly command: string;
  readonly args: readonly string[];
  /** What to do where the command is not there, as it continues "not found;". */
  readonly hint: string;
}

/** How the clients word that nobody answered. */
const NO_NETWORK =
  /ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|NewConnectionError|name resolution|getaddrinfo|timed out|ProxyError|Connection refused|Network is unreachable/i;

/**
 * Runs a package client in `directory`, which must be empty, and returns the one file that it leaves there. Throws
 * CatalogError with the client's own last words where it fails.
 */
export async function downloadWith(
  { command, args, hint }: PackageClient,
  directory: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { code, output } = await execute(command, args, hint, directory, signal);
  if (code !== 0) {
    const words = lastWords(output);
    if (/No module named pip/.test(output)) throw new CatalogError(`${command} has no pip; ${hint}.`);
    const reason = NO_NETWORK.test(output)
      ? 'the package registry cannot be reached (is there a network?)'
      : 'it failed';
    throw new CatalogError(`${command} ${args.join(' ')}\n${reason}: ${words}`);
  }
  const [file, ...others] = await readdir(directory);
  if (file === undefined || others.length > 0) {
    throw new CatalogError(`${command} ${args.join(' ')}\nleft ${others.length + 1} files instead of one.`);
  }
  return readFile(join(directory, file));
}

function execute(
  command: string,
  args: readonly string[],
  hint: string,
  directory: string,
  signal: AbortSignal,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'], signal });
    let output = '';
    const collect = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-65536);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    let failure: Error | undefined;
    child.on('error', (cause: NodeJS.ErrnoException) => {
      failure = cause.code === 'ENOENT' ? new CatalogError(`${command} was not found; ${hint}.`, { cause }) : cause;
      if (child.pid === undefined) reject(failure);
    });
    // Only now is the child gone for certain and its directory free to be removed.
    child.on('close', (code) => (failure === undefined ? resolve({ code, output }) : reject(failure)));
  });
}

/** The last lines that name an error, else the last line. */
function lastWords(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => /error/i.test(line)).slice(-3);
  return (errors.length > 0 ? errors : lines.slice(-1)).join('\n') || 'it said nothing';
}

import { readFile } from 'node:fs/promises';

/** The version of Sluice, as package.json has it, from dist/server/config. */
export async function packageVersion(): Promise<string> {
  const text = await readFile(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

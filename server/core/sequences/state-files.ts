import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SequenceConfig } from './sequence-config.js';
import type { StateFiles } from './state-tensors.js';

/** The files of a model that sequences begin with, by the name that the configuration has. */
export function stateFilePaths(modelDirectory: string, config: SequenceConfig | undefined): Map<string, string> {
  const names = (config?.state ?? []).flatMap(({ initial_state: [said] }) => said?.data_file ?? []);
  return new Map(names.map((name) => [name, join(modelDirectory, 'initial_state', name)]));
}

export async function readStateFiles(modelDirectory: string, config: SequenceConfig): Promise<StateFiles> {
  const files = [...stateFilePaths(modelDirectory, config)].map(async ([name, path]) => {
    return [name, new Uint8Array(await readFile(path))] as const;
  });
  return new Map(await Promise.all(files));
}

import { readFile } from 'node:fs/promises';
import type { SequenceConfig } from '../core/sequences/sequence-config.js';
import { stateFilePaths } from '../core/sequences/state-files.js';
import type { StateFiles } from '../core/sequences/state-tensors.js';

export async function readStateFiles(modelDirectory: string, config: SequenceConfig): Promise<StateFiles> {
  const files = [...stateFilePaths(modelDirectory, config)].map(async ([name, path]) => {
    return [name, new Uint8Array(await readFile(path))] as const;
  });
  return new Map(await Promise.all(files));
}

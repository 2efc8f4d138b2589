import { join } from 'node:path';
import type { SequenceConfig } from './sequence-config.js';

/** The files that sequences of a model begin with, by the names that the configuration has. */
export function stateFilePaths(modelDirectory: string, config: SequenceConfig | undefined): Map<string, string> {
  const names = (config?.state ?? []).flatMap(({ initial_state: [said] }) => said?.data_file ?? []);
  return new Map(names.map((name) => [name, join(modelDirectory, 'initial_state', name)]));
}

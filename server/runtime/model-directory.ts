import { resolve } from 'node:path';

/** The directory of a model: it holds that of the version, which holds the model file. */
export function modelDirectory(modelFile: string): string {
  return resolve(modelFile, '..', '..');
}

/** The plugin libraries of a model, which are named relative to its directory, as paths that hold anywhere. */
export function pluginFiles(modelFile: string, plugins: readonly string[]): string[] {
  return plugins.map((file) => resolve(modelDirectory(modelFile), file));
}

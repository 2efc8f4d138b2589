import { createRequire } from 'node:module';

/** Stands in for native-file.ts where the GPU addon is looked for. */

/** Names the file, for a server and its processes. */
export const ADDON_VARIABLE = 'SLUICE_TEST_GPU_ADDON';

export function addonFile(): string {
  const file = process.env[ADDON_VARIABLE];
  if (file === undefined) throw new Error(`${ADDON_VARIABLE} is not set`);
  return file;
}

export function loadAddon<T>(): T {
  return createRequire(import.meta.url)(addonFile()) as T;
}

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorMessage } from '../core/errors.js';

/** The one place where native code is found and loaded. */

/** Where the build leaves addons, from the root of the package; the first that is there, or loads, is taken. */
const BUILDS = ['build/native/Release', 'build/native/Debug'];

/** The file of the addon `name`; null: it was not built. */
export function addonFile(name: string): string | null {
  return addonFiles(name).find((file) => existsSync(file)) ?? null;
}

/** Loads an addon file as it is. Throws what the system's loader has to say. */
export function openAddon<T>(file: string): T {
  return createRequire(import.meta.url)(file) as T;
}

/**
 * Loads the addon `name`. Each thread calls this once for itself; the process holds one copy of the code. Throws one
 * error that lists what was tried and says what to run.
 */
export function loadAddon<T>(name: string): T {
  const tried: string[] = [];
  for (const file of addonFiles(name)) {
    if (!existsSync(file)) {
      tried.push(`${file}: no such file`);
      continue;
    }
    try {
      return openAddon<T>(file);
    } catch (cause) {
      tried.push(`${file}: ${errorMessage(cause)}`);
    }
  }
  const platform = `Node ${process.version} on ${process.platform}-${process.arch}`;
  throw new Error(
    `the native addon ${name} cannot be loaded (${platform}); run \`make native\` in ${packageRoot()} to build it. ` +
      `Tried:\n${tried.map((line) => `  ${line}`).join('\n')}`,
  );
}

function addonFiles(name: string): string[] {
  return BUILDS.map((directory) => join(packageRoot(), directory, `${name}.node`));
}

/** The nearest directory with a package.json: two levels up from the source, three from what is compiled to dist/. */
function packageRoot(directory: string = dirname(fileURLToPath(import.meta.url))): string {
  const parent = dirname(directory);
  if (existsSync(join(directory, 'package.json')) || parent === directory) return directory;
  return packageRoot(parent);
}

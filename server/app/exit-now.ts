import { loadNative } from '../runtime/native.js';

/** Ends the process of a server at once: a thread that hangs inside a model keeps `process.exit` waiting. */
export function exitNow(code: number): never {
  return loadNative().exit(code);
}

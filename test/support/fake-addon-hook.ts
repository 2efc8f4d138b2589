import type { LoadHook } from 'node:module';

const NATIVE_FILE = "'./native-file.js'";

/** Whoever loads the GPU addon gets the file that fake-addon-file.ts names. */
export const load: LoadHook = async (url, context, next) => {
  const loaded = await next(url, context);
  if (!url.endsWith('/server/runtime/native-gpu.js')) return loaded;
  const source = Buffer.from(loaded.source as Uint8Array).toString();
  if (!source.includes(NATIVE_FILE)) throw new Error(`${url} does not name ${NATIVE_FILE} any more`);
  return {
    ...loaded,
    source: source.replace(NATIVE_FILE, `'${new URL('./fake-addon-file.js', import.meta.url).href}'`),
  };
};

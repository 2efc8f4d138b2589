import type { LoadHook } from 'node:module';

const WORKER_FILE = "'./instance-worker.js'";

/** Whoever starts instance workers starts the double. A hook of the thread that starts them: workers have none. */
export const load: LoadHook = async (url, context, next) => {
  const loaded = await next(url, context);
  if (!url.endsWith('/server/runtime/instance-thread.js')) return loaded;
  const source = Buffer.from(loaded.source as Uint8Array).toString();
  if (!source.includes(WORKER_FILE)) throw new Error(`${url} does not name ${WORKER_FILE} any more`);
  return { ...loaded, source: source.replace(WORKER_FILE, `'${new URL('./worker-double.js', import.meta.url).href}'`) };
};

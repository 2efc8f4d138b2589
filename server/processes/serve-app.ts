import type { App } from '../app.js';
import { collectSeldom } from '../app/collect-seldom.js';
import { EXIT_CODES } from '../config/exit-codes.js';

/**
 * Runs a server that has begun until `stopped`, or until its GPU is lost; drains it and returns the code to exit with.
 * Rejects when it does not start.
 */
export async function serveApp(
  { app, started }: { readonly app: App; readonly started: Promise<void> },
  stopped: Promise<unknown>,
): Promise<number> {
  collectSeldom();
  const over = Promise.race([stopped.then(() => false), app.deviceLost.then(() => true)]);
  const startedFirst = await Promise.race([started.then(() => true), over.then(() => false)]);
  const lost = await over;
  const drained = await app.drain();
  // What has not started may load for a long time yet, and what the GPU holds may not come back; neither is waited for.
  if (drained && startedFirst && !lost) await app[Symbol.asyncDispose]();
  app.say('stopped', { drained });
  if (lost) return EXIT_CODES.DEVICE_LOST.code;
  return drained ? EXIT_CODES.OK.code : EXIT_CODES.CUT_OFF.code;
}

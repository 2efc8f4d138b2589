import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { errorMessage } from '../core/errors.js';
import { LINES_FD, type GpuReply, type GpuRequest } from './gpu-process.js';
import { openAddon } from './native-file.js';
import type { GpuAddon } from './native-gpu.js';

/**
 * The program of the process that asks the GPU addon; its argument is the addon's file. The calls take minutes and block
 * their thread, so they run in a second one: the first ends the process as soon as the server is gone.
 */

/** Megabytes. Parsers of model files are recursive; a thread has 4 otherwise. */
const STACK = 32;

interface Call {
  readonly addonFile: string;
  readonly request: GpuRequest;
}

function receive(): void {
  // Not `exit`, which would wait for the other thread.
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.once('message', (request: GpuRequest) => {
    const call: Call = { addonFile: process.argv[2] ?? '', request };
    const worker = new Worker(new URL(import.meta.url), { workerData: call, resourceLimits: { stackSizeMb: STACK } });
    worker.once('message', (reply: GpuReply) => process.send?.(reply));
    worker.once('error', (cause) => process.send?.(failure(cause)));
  });
}

function execute({ addonFile, request }: Call): GpuReply {
  try {
    const addon = openAddon<GpuAddon>(addonFile);
    if (request.type === 'devices') return { result: { devices: addon.devices(), info: addon.info() } };
    return { result: addon.buildEngine({ ...request.spec, progressFd: LINES_FD }) };
  } catch (cause) {
    return failure(cause);
  }
}

function failure(cause: unknown): GpuReply {
  const { code = 'INTERNAL' } = cause as { code?: string };
  return { error: { code, message: errorMessage(cause) } };
}

if (isMainThread) receive();
else parentPort?.postMessage(execute(workerData as Call));

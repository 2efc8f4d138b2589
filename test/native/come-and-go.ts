import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { loadNative } from '../../server/runtime/native.js';

/**
 * Run by a test in a process of its own. The main thread never loads the addon: each time the last worker ends, Node
 * closes it, while the addon's own threads live on. Ends the process while workers are in native code.
 */

function warp(): void {
  const source = {
    data: new Uint8Array(3 * 640 * 480),
    format: 'rgb8',
    width: 640,
    height: 480,
    stride: 1920,
  } as const;
  const normalization = { color: 'rgb', scale: 1, mean: [0, 0, 0], std: [1, 1, 1] } as const;
  const to = {
    matrix: [1, 0, 0, 0, 1, 0],
    width: 640,
    height: 480,
    border: 'constant',
    area: null,
    focus: false,
    pad: 0,
    window: null,
  } as const;
  const out = new Float32Array(3 * 640 * 480);
  loadNative().warpNormalize(source, { ...to, normalization, threads: 4 }, out, 0);
}

if (isMainThread) {
  const file = fileURLToPath(import.meta.url);
  let gone = 0;
  for (let round = 0; round < 4; round++) {
    const workers = Array.from({ length: 3 }, () => new Worker(file, { workerData: 'once' }));
    await Promise.all(workers.map((worker) => once(worker, 'exit')));
    gone += workers.length;
  }
  const busy = Array.from({ length: 3 }, () => new Worker(file, { workerData: 'for ever' }));
  await Promise.all(busy.map((worker) => once(worker, 'message')));
  console.log(`${gone} threads came and went`);
  process.exit(0);
} else {
  warp();
  parentPort?.postMessage('working');
  while (workerData === 'for ever') warp();
}

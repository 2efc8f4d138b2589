import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BatchDone, ErrorReply, LoadReply, WorkerTask } from '../../server/runtime/messages.js';

/**
 * Stands in for the worker file of an instance and fails on command. The model file is the directory of a `Stage`,
 * which says how each load goes; the picture of a batch's first frame says how the batch goes. `doubledWorkers` puts it
 * into a real server.
 */

/** The device that fails: it has no memory left, or is gone for good. */
export type DeviceCommand = 'DEVICE_OUT_OF_MEMORY' | 'DEVICE_LOST';

/** How a load goes, as the lines of the stage's plan have it; beyond the last line: `load`. */
export type LoadCommand = 'load' | 'refuse' | DeviceCommand | 'throw' | 'exit' | `hold ${string}`;

/**
 * How a batch goes. `hold`: the thread is blocked, as by a native call, until the file is there, and then answers.
 * `die`: the same, but the thread ends instead. `leave`: it answers at once, and the thread ends while it waits for the
 * next batch, when the file is there.
 */
export type BatchCommand =
  'answer' | 'refuse' | DeviceCommand | 'throw' | 'exit' | `${'hold' | 'die' | 'leave'} ${string}`;

/** What each answer tells, as the columns of its table. */
export const COLUMNS = { load: 0, threads: 1, frame: 2 } as const;

const { wait } = Atomics;

let load = -1;
let threads = 0;

export default function handle(task: WorkerTask): LoadReply | BatchDone | ErrorReply {
  if (task.type === 'infer') throw new Error('tensors were asked for');
  return task.type === 'load' ? start(task) : execute(task);
}

function start({ spec }: WorkerTask & { type: 'load' }): LoadReply {
  load = claim(spec.modelFile);
  threads = spec.placement.kind === 'cpu' ? spec.placement.threads : 0;
  const plan = readFileSync(join(spec.modelFile, 'plan'), 'utf8').split('\n');
  const refused = fail((plan[load] ?? 'load') as LoadCommand, `load ${load}`);
  return refused ?? { type: 'loaded', notes: ['model file: nothing that matters'], layout: null, signature: null };
}

function execute({ frames }: WorkerTask & { type: 'execute' }): BatchDone | ErrorReply {
  const [first] = frames;
  const command = Buffer.from(
    first?.content.kind === 'raw' || first?.content.kind === 'encoded' ? first.content.bytes : [],
  ).toString() as BatchCommand;
  const refused = fail(command, 'the batch');
  if (refused !== null) return refused;
  return {
    type: 'done',
    phases: { decode: 1, preprocess: 2, infer: 3, postprocess: 4 },
    values: Float32Array.from(frames.flatMap((_, frame) => [load, threads, frame])),
    frames: frames.map(() => ({
      width: 1,
      height: 1,
      error: null,
      rows: 1,
      columns: 3,
      rowErrors: null,
      attachments: [],
    })),
  };
}

/** Fails as told, or returns null when the command is not to fail. */
function fail(command: LoadCommand | BatchCommand, what: string): ErrorReply | null {
  if (command === 'throw') throw new Error(`${what} was told to throw`);
  if (command === 'exit') process.exit(1);
  const [how, file = ''] = command.split(' ', 2);
  if (how === 'hold' || how === 'die') block(file);
  if (how === 'die') process.exit(1);
  if (how === 'leave') {
    // That is how piscina's threads wait for the next task.
    Atomics.wait = () => {
      block(file);
      process.exit(1);
    };
  }
  const code = command === 'refuse' ? 'MODEL_INVALID' : command;
  const refused = code === 'MODEL_INVALID' || code === 'DEVICE_OUT_OF_MEMORY' || code === 'DEVICE_LOST';
  return refused ? { type: 'error', error: { code, message: `${what} refused` } } : null;
}

/** Keeps the thread from doing anything else until the file is there, or the whole stage is gone. */
function block(file: string): void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  while (!existsSync(file) && existsSync(dirname(file))) wait(cell, 0, 0, 5);
}

/** The number of this load among all of the stage's, from 0; threads may ask at the same time. */
function claim(directory: string): number {
  for (let number = 0; ; number++) {
    try {
      mkdirSync(join(directory, `load-${number}`));
      return number;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    }
  }
}

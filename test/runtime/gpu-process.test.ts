import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { callGpuProcess, type GpuLine } from '../../server/runtime/gpu-process.js';
import type { EngineBuildSpec } from '../../server/runtime/native-gpu.js';
import { eventually } from '../support/eventually.js';
import { fakeAddon, FOR_EVER, gpu, INFO } from '../support/fake-gpu.js';
import { ScratchDirectory } from '../support/scratch-directory.js';

const NEVER = new AbortController().signal;

/** Asks an addon to build whose function has that body. */
async function build(
  scratch: ScratchDirectory,
  buildEngine: string,
  signal = NEVER,
  onLine: (line: GpuLine) => void = () => {},
) {
  const addonFile = await fakeAddon(scratch, { buildEngine });
  const spec = { planFile: join(scratch.path, 'plan') } as Omit<EngineBuildSpec, 'progressFd'>;
  return callGpuProcess({ addonFile, request: { type: 'build', spec }, signal, onLine });
}

test('what the addon answers comes back, and what it writes meanwhile line by line', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const lines: GpuLine[] = [];
  const program = `
    const write = (text) => fs.writeSync(spec.progressFd, text);
    write('{"progress": 0.25, "phase": "tactics"}\\n{"level": "warn", "mess');
    write('age": "slow"}\\nnonsense\\n');
    console.log('libraries print what they like');
    fs.writeFileSync(spec.planFile, 'plan');
    return { planBytes: 4, activationBytes: [7], layers: 2 };`;
  const result = await build(scratch, program, NEVER, (line) => lines.push(line));
  t.deepEqual(result, { planBytes: 4, activationBytes: [7], layers: 2 });
  t.deepEqual(lines, [
    { progress: 0.25, phase: 'tactics' },
    { level: 'warn', message: 'slow' },
  ]);
  t.is(await readFile(join(scratch.path, 'plan'), 'utf8'), 'plan');
});

test('the GPUs come back with the versions of the libraries', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const addonFile = await fakeAddon(scratch, {});
  const answer = await callGpuProcess({ addonFile, request: { type: 'devices' }, signal: NEVER });
  t.deepEqual(answer, { info: INFO, devices: [gpu()] });
});

test('an error keeps its code where that is one of ours', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const failing = (code: string) => `throw Object.assign(new Error('no room'), { code: '${code}' });`;
  await t.throwsAsync(build(scratch, failing('DEVICE_OUT_OF_MEMORY')), {
    code: 'DEVICE_OUT_OF_MEMORY',
    message: 'no room',
  });
  await t.throwsAsync(build(scratch, failing('ERR_SOMETHING')), { code: 'INTERNAL', message: 'no room' });
});

test('an addon that does not load is an error with the reason', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const addonFile = await scratch.write('broken.node', 'not a library');
  const call = callGpuProcess({ addonFile, request: { type: 'devices' }, signal: NEVER });
  await t.throwsAsync(call, { code: 'INTERNAL', message: /ELF|too short|mach-o/i });
});

for (const [how, program, message] of [
  ['crashes', "process.kill(process.pid, 'SIGSEGV'); for (;;) {}", /crashed \(SIGSEGV\)/],
  [
    'is killed',
    "process.kill(process.pid, 'SIGKILL'); for (;;) {}",
    /killed \(SIGKILL\), most often for lack of memory/,
  ],
] as const) {
  test(`a process that ${how} is an error that shows what it printed last`, async (t) => {
    await using scratch = await ScratchDirectory.create();
    const error = await t.throwsAsync(build(scratch, `fs.writeSync(2, 'last words'); ${program}`), {
      code: 'INTERNAL',
      message,
    });
    t.regex(error?.message ?? '', /the last that it printed: last words$/);
  });
}

/** The program tells its process's id before it is busy for ever. */
const BUSY = `fs.writeFileSync(spec.planFile + '.pid', String(process.pid)); ${FOR_EVER}`;

async function pidIn(scratch: ScratchDirectory): Promise<number> {
  return eventually('the build runs', async () => {
    if (!(await readdir(scratch.path)).includes('plan.pid')) return undefined;
    return Number(await readFile(join(scratch.path, 'plan.pid'), 'utf8')) || undefined;
  });
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('a build that is not wanted any more is killed, busy as it is', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const stop = new AbortController();
  const failed = t.throwsAsync(build(scratch, BUSY, stop.signal), { message: 'enough' });
  const pid = await pidIn(scratch);
  stop.abort(new Error('enough'));
  await failed;
  await eventually('the process is gone', () => !runs(pid) || undefined);
});

test('a build ends when the process that wants it is killed', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const addonFile = await fakeAddon(scratch, {
    buildEngine: `fs.writeFileSync(${JSON.stringify(join(scratch.path, 'plan.pid'))}, String(process.pid)); ${FOR_EVER}`,
  });
  const racer = fileURLToPath(new URL('../support/build-racer.js', import.meta.url));
  const parent = spawn(process.execPath, [racer, join(scratch.path, 'cache'), addonFile], { stdio: 'ignore' });
  const pid = await pidIn(scratch);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await eventually('the build is gone', () => !runs(pid) || undefined);
  t.pass();
});

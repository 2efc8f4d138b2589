import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { acquireLock } from '../../server/runtime/file-lock.js';
import { OwnerFile } from '../../server/runtime/owner-file.js';
import { ScratchDirectory } from '../support/scratch-directory.js';

const NEVER = new AbortController().signal;
const needed = async () => false;

test('a claim is one process’s until it is given back', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const path = join(scratch.path, 'lock');
  const first = await OwnerFile.claim(path);
  t.truthy(first);
  t.is(await OwnerFile.claim(path), null);
  await first?.[Symbol.asyncDispose]();
  t.deepEqual(await readdir(scratch.path), []);
  await using second = await OwnerFile.claim(path);
  t.truthy(second);
});

/** The content of a claim of this process, with some of it changed. */
async function claimOf(scratch: ScratchDirectory, changes: object): Promise<string> {
  const path = join(scratch.path, 'own');
  await using _ = await OwnerFile.claim(path);
  return JSON.stringify({ ...(JSON.parse(await readFile(path, 'utf8')) as object), ...changes });
}

async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid!;
}

test('the claim of a process that is gone is taken over, also when its number is used again', async (t) => {
  await using scratch = await ScratchDirectory.create();
  for (const [name, changes] of [
    ['dead', { pid: await deadProcess() }],
    ['reused', { started: '1' }],
  ] as const) {
    const path = await scratch.write(name, await claimOf(scratch, changes));
    await using claim = await OwnerFile.claim(path);
    t.truthy(claim, name);
  }
});

test('the claim of another machine is taken over when it has shown no life for a minute', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const path = await scratch.write('lock', await claimOf(scratch, { host: 'elsewhere', pid: await deadProcess() }));
  t.is(await OwnerFile.claim(path), null);
  const then = new Date(Date.now() - 61_000);
  await utimes(path, then, then);
  await using claim = await OwnerFile.claim(path);
  t.truthy(claim);
});

test('a claim that is just being written is left alone', async (t) => {
  await using scratch = await ScratchDirectory.create();
  t.is(await OwnerFile.claim(await scratch.write('lock', '')), null);
});

test('what somebody else has claimed meanwhile is not given back for them', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const path = join(scratch.path, 'lock');
  const claim = await OwnerFile.claim(path);
  await writeFile(path, 'of another');
  await claim?.[Symbol.asyncDispose]();
  t.is(await readFile(path, 'utf8'), 'of another');
});

test('who waits for a lock has it as soon as it is given back', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const path = join(scratch.path, 'lock');
  const first = await acquireLock(path, NEVER, needed);
  const order: string[] = [];
  const second = acquireLock(path, NEVER, needed).then((lock) => {
    order.push('acquired');
    return lock;
  });
  await new Promise((resolve) => setImmediate(resolve));
  order.push('given back');
  await first?.[Symbol.asyncDispose]();
  await using lock = await second;
  t.truthy(lock);
  t.deepEqual(order, ['given back', 'acquired']);
});

test('who waits for a lock goes when it is needless, or told to', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const path = join(scratch.path, 'lock');
  await using _ = await acquireLock(path, NEVER, needed);
  let there = false;
  const waiting = acquireLock(path, NEVER, async () => there);
  there = true;
  await scratch.write('plan', '');
  t.is(await waiting, null);
  const stop = new AbortController();
  const stopped = acquireLock(path, stop.signal, needed);
  stop.abort(new Error('told to'));
  await t.throwsAsync(stopped, { message: 'told to' });
});

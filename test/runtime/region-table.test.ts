import { mkdirSync, rmdirSync, rmSync, symlinkSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';
import { ServingError, type ErrorCode } from '../../server/core/errors.js';
import { RegionTable } from '../../server/runtime/region-table.js';
import { SharedSegment } from '../../server/runtime/shared-segment.js';
import { Segment } from '../support/segment.js';

const COUNTING = Uint8Array.from({ length: 100 }, (_, index) => index);

function region(key: string, offset = 0, byteSize = 100, name = 'r') {
  return { kind: 'system' as const, name, key, offset, byteSize };
}

/** A table of a process that opens no memory of GPUs. */
function systemOnly(): RegionTable {
  return new RegionTable({
    system: (wanted) => new SharedSegment(wanted),
    cuda: () => Promise.reject(new Error('there is no GPU')),
  });
}

function place(offset: number, byteSize: number, name = 'r') {
  return { region: name, offset, byteSize };
}

async function refused(t: ExecutionContext, work: () => unknown, code: ErrorCode, text: RegExp): Promise<void> {
  const error = await t.throwsAsync<ServingError>(async () => work(), { instanceOf: ServingError });
  t.is(error?.code, code);
  t.regex(error?.message ?? '', text);
}

test('places count from the start of their region, and what is read has a buffer of its own', async (t) => {
  using segment = new Segment(COUNTING);
  const segments = systemOnly();
  await segments.register(region(`/${segment.key}`, 10, 50));
  const data = segments.read(place(5, 3));
  t.deepEqual([...data], [15, 16, 17]);
  t.is(data.buffer.byteLength, 3);
  t.deepEqual([...segments.read(place(50, 0))], []);
  using room = segments.reserve(place(48, 2));
  room.write(Uint8Array.of(201, 202));
  t.deepEqual([...segment.bytes.subarray(57, 61)], [57, 201, 202, 60]);
  t.deepEqual(segments.regions('system', null), [region(`/${segment.key}`, 10, 50)]);
});

test('a region must be part of a segment that is there, named without a path and no link', async (t) => {
  using segment = new Segment(COUNTING);
  const { key } = segment;
  const [link, directory, pipe] = [`${key}-link`, `${key}-directory`, `${key}-pipe`];
  symlinkSync(segment.file, `/dev/shm/${link}`);
  mkdirSync(`/dev/shm/${directory}`);
  execFileSync('mkfifo', [`/dev/shm/${pipe}`]);
  const segments = systemOnly();
  try {
    for (const [wanted, text] of [
      [region(link), /region "r" of shared memory has the key .* it is a link/],
      [region(directory), /it is a directory/],
      [region(pipe), /no shared memory/],
      [region(`${key}-nobody`), /no such segment/],
      [region('..'), /without a path/],
      [region('.'), /without a path/],
      [region('/'), /without a path/],
      [region(''), /without a path/],
      [region(`../shm/${key}`), /without a path/],
      [region(`//${key}`), /without a path/],
      [region(`${key}\0`), /without a path/],
      [region('k'.repeat(256)), /without a path/],
      [region(key, 1), /needs 101 bytes of .*, which has 100/],
      [region(key, 0, 0), /must begin at 0 or later and have bytes/],
      [region(key, -1), /must begin at 0/],
      [region(key, 2 ** 53), /must begin at 0/],
      [region(key, 2 ** 53 - 1), /which has 100/],
      [region(key, 0, 100, ''), /must have a name/],
    ] as const) {
      await refused(t, () => segments.register(wanted), 'INVALID_REQUEST', text);
    }
    t.deepEqual(segments.regions('system', null), []);
  } finally {
    rmSync(`/dev/shm/${link}`);
    rmdirSync(`/dev/shm/${directory}`);
    rmSync(`/dev/shm/${pipe}`);
  }
});

test('a name is taken once, and free again when it is unregistered', async (t) => {
  using segment = new Segment(COUNTING);
  const segments = systemOnly();
  await segments.register(region(segment.key));
  await refused(t, () => segments.register(region(segment.key, 5, 5)), 'SHARED_MEMORY_EXISTS', /"r"/);
  await segments.unregister({ kind: 'system', name: 'r' });
  await segments.unregister({ kind: 'system', name: 'r' });
  await segments.register(region(segment.key, 5, 5));
  await segments.register(region(segment.key, 6, 5, 'a'));
  t.deepEqual(
    segments.regions('system', null).map(({ name }) => name),
    ['a', 'r'],
  );
  t.deepEqual(segments.regions('system', 'r'), [region(segment.key, 5, 5)]);
  await segments.unregister({ kind: 'system', name: null });
  await refused(t, () => segments.regions('system', 'r'), 'SHARED_MEMORY_NOT_FOUND', /no region "r"/);
  await refused(t, () => segments.read(place(0, 1)), 'SHARED_MEMORY_NOT_FOUND', /register it first/);
});

test('no place reaches beyond its region, and no output beyond its place', async (t) => {
  using segment = new Segment(COUNTING);
  const segments = systemOnly();
  await segments.register(region(segment.key, 10, 50));
  for (const [offset, byteSize] of [
    [0, 51],
    [50, 1],
    [-1, 2],
    [0, -1],
    [0.5, 1],
    [2 ** 53, 1],
    [1, Number.MAX_SAFE_INTEGER],
  ] as const) {
    await refused(t, () => segments.read(place(offset, byteSize)), 'INVALID_REQUEST', /region "r" .* has 50 bytes/);
    await refused(t, () => segments.reserve(place(offset, byteSize)), 'INVALID_REQUEST', /has 50 bytes/);
  }
  using room = segments.reserve(place(0, 4));
  await refused(t, () => room.write(new Uint8Array(5)), 'INVALID_REQUEST', /output of 5 bytes, .* gives it 4/);
  t.deepEqual(segment.bytes, COUNTING);
});

test('a segment full of holes does not make the server read more than a message may have', async (t) => {
  using segment = new Segment(COUNTING);
  segment.resize(2 ** 40);
  const segments = systemOnly();
  await segments.register(region(segment.key, 0, 2 ** 40));
  t.deepEqual([...segments.read(place(99, 2))], [99, 0]);
  t.deepEqual([...segments.read(place(2 ** 40 - 1, 1))], [0]);
  const whole = place(0, 2 ** 30 + 1);
  await refused(t, () => segments.read(whole), 'INVALID_REQUEST', /"r" .* 1073741824 are the most/);
  await refused(t, () => segments.reserve(whole), 'INVALID_REQUEST', /1073741824/);
});

test('a segment that shrinks is refused, and not made longer again', async (t) => {
  using segment = new Segment(COUNTING);
  const segments = systemOnly();
  await segments.register(region(segment.key));
  using room = segments.reserve(place(90, 10));
  segment.resize(50);
  t.is(segments.read(place(0, 50)).length, 50);
  await refused(t, () => segments.read(place(0, 51)), 'INVALID_REQUEST', /"r" .* needs 51 bytes of .* has 50/);
  await refused(t, () => room.write(new Uint8Array(1)), 'INVALID_REQUEST', /needs 100 bytes/);
  await refused(t, () => segments.reserve(place(50, 1)), 'INVALID_REQUEST', /needs 51 bytes/);
  t.is(segment.bytes.length, 50);
  segment.resize(100);
  room.write(Uint8Array.of(7));
  t.is(segment.bytes[90], 7);
});

test('a region is unregistered when nothing will write there, and its name is gone at once', async (t) => {
  using segment = new Segment(COUNTING);
  const segments = systemOnly();
  await segments.register(region(segment.key));
  const rooms = [segments.reserve(place(0, 1)), segments.reserve(place(1, 1))];
  let done = false;
  const unregistered = segments.unregister({ kind: 'system', name: 'r' }).then(() => (done = true));
  t.deepEqual(segments.regions('system', null), []);
  await segments.register(region(segment.key, 50, 50));
  rooms[0]![Symbol.dispose]();
  rooms[0]![Symbol.dispose]();
  await new Promise(setImmediate);
  t.false(done);
  rooms[1]!.write(Uint8Array.of(200));
  rooms[1]![Symbol.dispose]();
  await unregistered;
  t.deepEqual([...segment.bytes.subarray(0, 3)], [0, 200, 2]);
  t.deepEqual([...segments.read(place(0, 2))], [50, 51]);
});

import { status as Status } from '@grpc/grpc-js';
import test from 'ava';
import { resumedStream } from '../../clients/typescript/resumed-stream.js';

interface Answer {
  readonly id: string;
  readonly frame: { readonly index: number };
}

const UNAVAILABLE = Object.assign(new Error('the server is shutting down'), { code: Status.UNAVAILABLE });
const INVALID = Object.assign(new Error('no such model'), { code: Status.INVALID_ARGUMENT });

/** A server that goes away after so many answers to each stream: `Infinity`, never. What it was sent, by stream. */
function server(answers: readonly number[], error: Error = UNAVAILABLE) {
  const sent: string[][] = [];
  const open = async function* (frames: AsyncIterable<string>): AsyncGenerator<Answer> {
    const most = answers[sent.length] ?? Infinity;
    const mine: string[] = [];
    sent.push(mine);
    if (most === 0) throw error;
    for await (const id of frames) {
      mine.push(id);
      yield { id, frame: { index: mine.length - 1 } };
      if (mine.length === most) throw error;
    }
  };
  return { sent, open };
}

async function collect(answers: AsyncIterable<Answer>): Promise<string[]> {
  const all: string[] = [];
  for await (const { id, frame } of answers) all.push(`${id} ${frame.index}`);
  return all;
}

const signal = undefined;

test('every frame is answered once, in order, with its index, across servers that go away', async (t) => {
  const { sent, open } = server([2, 0, 1]);
  const answers = await collect(resumedStream(['a', 'b', 'c', 'd', 'e'], { times: 2, signal }, open));
  t.deepEqual(answers, ['a 0', 'b 1', 'c 2', 'd 3', 'e 4']);
  t.deepEqual(sent, [['a', 'b'], [], ['c'], ['d', 'e']]);
});

test('frames that were sent and not answered are sent again, from a source that is read once', async (t) => {
  let taken = 0;
  const source = (function* () {
    for (const id of ['a', 'b', 'c', 'd']) {
      taken += 1;
      yield id;
    }
  })();
  let streams = 0;
  const read: string[][] = [];
  const open = async function* (frames: AsyncIterable<string>): AsyncGenerator<Answer> {
    const mine: string[] = [];
    read.push(mine);
    const first = ++streams === 1;
    for await (const id of frames) {
      mine.push(id);
      // The first reads three frames before it answers one.
      if (first && mine.length < 3) continue;
      yield { id: mine[first ? 0 : mine.length - 1]!, frame: { index: first ? 0 : mine.length - 1 } };
      if (first) throw UNAVAILABLE;
    }
  };
  t.deepEqual(await collect(resumedStream(source, { times: 1, signal }, open)), ['a 0', 'b 1', 'c 2', 'd 3']);
  t.deepEqual(read, [
    ['a', 'b', 'c'],
    ['b', 'c', 'd'],
  ]);
  t.is(taken, 4);
});

test('a frame that comes while no stream is open is the next stream’s', async (t) => {
  let give!: (id: string) => void;
  const given = new Promise<string>((resolve) => (give = resolve));
  const source = (async function* () {
    yield 'a';
    yield await given;
  })();
  let streams = 0;
  const open = async function* (frames: AsyncIterable<string>): AsyncGenerator<Answer> {
    const iterator = frames[Symbol.asyncIterator]();
    streams += 1;
    if (streams === 1) {
      yield { id: (await iterator.next()).value, frame: { index: 0 } };
      // It waits for a second frame as it breaks off.
      void iterator.next();
      throw UNAVAILABLE;
    }
    give('b');
    for (let index = 0, next = await iterator.next(); next.done !== true; index++, next = await iterator.next()) {
      yield { id: next.value, frame: { index } };
    }
  };
  t.deepEqual(await collect(resumedStream(source, { times: 1, signal }, open)), ['a 0', 'b 1']);
});

test('a server that never answers is asked as often as was said, and its failure told', async (t) => {
  const { sent, open } = server([0, 0, 0]);
  await t.throwsAsync(collect(resumedStream(['a'], { times: 1, signal }, open)), { is: UNAVAILABLE });
  t.is(sent.length, 2);
});

test('any other failure is told at once', async (t) => {
  const { sent, open } = server([1], INVALID);
  await t.throwsAsync(collect(resumedStream(['a', 'b'], { times: 5, signal }, open)), { is: INVALID });
  t.is(sent.length, 1);
});

test('a caller that leaves off early ends its source', async (t) => {
  let ended = false;
  const source = (function* () {
    try {
      for (;;) yield 'a';
    } finally {
      ended = true;
    }
  })();
  for await (const { id } of resumedStream(source, { times: 1, signal }, server([]).open)) {
    t.is(id, 'a');
    break;
  }
  t.true(ended);
});

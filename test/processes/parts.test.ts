import test from 'ava';
import type { Readiness } from '../../server/http/readiness.js';
import { backOff } from '../../server/processes/back-off.js';
import { threadShare } from '../../server/processes/member.js';
import { sharedReadiness } from '../../server/processes/shared-readiness.js';

const READY: Readiness = { ready: true, reason: null, not_ready: [] };

test('pauses between the ends of a process double up to half a minute', (t) => {
  t.deepEqual([0, 1, 2, 6, 7, 1000].map(backOff), [250, 500, 1000, 16_000, 30_000, 30_000]);
});

test('processes share the CPU threads, and each has one', (t) => {
  const shares = (threads: number, processes: number) =>
    Array.from({ length: processes }, (_, place) => threadShare({ threads, processes }, place + 1));
  t.deepEqual(shares(8, 2), [4, 4]);
  t.deepEqual(shares(7, 3), [3, 2, 2]);
  t.deepEqual(shares(2, 4), [1, 1, 1, 1]);
});

test('a server is ready when each of its processes is', (t) => {
  t.deepEqual(sharedReadiness([READY, READY], false), READY);
  t.deepEqual(sharedReadiness([READY, 'it does not answer'], false), {
    ready: false,
    reason: 'process 2: it does not answer',
    not_ready: [],
  });
});

test('a model that is not ready in several processes is named once', (t) => {
  const version = { model: 'face', version: 1, state: 'UNAVAILABLE', reason: 'broken' } as const;
  const bad: Readiness = { ready: false, reason: null, not_ready: [version] };
  t.deepEqual(sharedReadiness([bad, READY, bad], false), bad);
});

test('a server that stops is not ready, whatever its processes say', (t) => {
  const stopping = sharedReadiness([READY, READY], true);
  t.deepEqual(stopping, { ready: false, reason: 'the server is shutting down', not_ready: [] });
});

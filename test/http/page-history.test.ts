import test from 'ava';
import { KEPT_SECONDS, quantile, StatusHistory } from '../../server/http/page/history.js';
import type { ServerStatus } from '../../server/http/server-status.js';

/** The part of the page that reckons, without a browser. */

const BOUNDS = [0.1, 1];

/** A status of versions: key, requests within 0.1 s, within 1 s and in all, failures. */
function status(versions: Readonly<Record<string, readonly [number, number, number, number]>>): ServerStatus {
  const models = Object.entries(versions).map(([key, [fast, slow, all, failures]]) => {
    const [name = '', version = ''] = key.split('/');
    return {
      name,
      task: null,
      call: null,
      input: null,
      versions: [
        {
          version: Number(version),
          state: 'READY' as const,
          reason: null,
          devices: [],
          requests: all + failures,
          failures,
          dropped: 0,
          instances: { idle: 1, busy: 2 },
          queue: { requests: 4, bytes: 5 },
          durations: [fast, slow, all],
        },
      ],
    };
  });
  return {
    name: 'sluice',
    version: '1',
    uptime_seconds: 1,
    readiness: { ready: true, reason: null, not_ready: [] },
    processes: 1,
    connections: 0,
    duration_bounds: BOUNDS,
    models,
    errors: [],
    gpus: [],
  };
}

const EVERY = (): boolean => true;

test('rates are what was added between two looks, over the time between them', (t) => {
  const history = new StatusHistory();
  history.add(100, status({ 'a/1': [10, 10, 10, 1], 'b/1': [0, 0, 0, 0] }));
  history.add(102, status({ 'a/1': [14, 14, 14, 2], 'b/1': [6, 6, 6, 0] }));
  t.like(history.points(EVERY)[0], { at: 102, answered: 5, failed: 0.5, queued: 8, busy: 4, instances: 6 });
  t.like(history.points((key) => key === 'b/1')[0], { answered: 3, failed: 0, queued: 4 });
  t.is(history.points(EVERY).length, 1);
});

test('a version that was reloaded counts from 0 again', (t) => {
  const history = new StatusHistory();
  history.add(0, status({ 'a/1': [100, 100, 100, 9] }));
  history.add(1, status({ 'a/1': [3, 3, 3, 0] }));
  t.like(history.points(EVERY)[0], { answered: 3, failed: 0 });
});

test('what is recent is taken over the time that was asked for', (t) => {
  const history = new StatusHistory();
  t.is(history.recent(10, EVERY), null);
  for (let at = 0; at <= 20; at++) history.add(at, status({ 'a/1': [at * at, at * at, at * at, 0] }));
  t.is(history.recent(10, EVERY)?.answered, (400 - 100) / 10);
  t.is(history.recent(1000, EVERY)?.answered, 20);
});

test('samples of more than five minutes ago are forgotten', (t) => {
  const history = new StatusHistory();
  for (let at = 0; at < 1000; at++) history.add(at, status({ 'a/1': [at, at, at, 0] }));
  t.is(history.points(EVERY).length, KEPT_SECONDS);
});

test('a quantile lies within its bucket, in proportion', (t) => {
  // 10 within 0.1 s, 10 more within 1 s, 5 more over that.
  const within = [10, 20, 25];
  t.is(quantile(0.2, within, BOUNDS), 0.05);
  t.is(quantile(0.4, within, BOUNDS), 0.1);
  t.true(Math.abs(quantile(0.6, within, BOUNDS) - 0.55) < 1e-12);
  t.is(quantile(0.99, within, BOUNDS), 1, 'beyond the last bound nothing more is known');
});

test('without requests there is no quantile', (t) => {
  t.is(quantile(0.5, [0, 0, 0], BOUNDS), NaN);
  t.is(quantile(0.5, [], BOUNDS), NaN);
});

import test from 'ava';
import { BuildProgress } from '../../server/runtime/build-progress.js';

class Recorder {
  now = 0;
  readonly told: [number, string][] = [];
  readonly log: string[] = [];
  readonly progress = new BuildProgress(
    (fraction, phase) => this.told.push([fraction, phase]),
    (line) => this.log.push(line),
    () => this.now,
  );
}

test('progress never goes back, whatever the builder says', (t) => {
  const { progress, told } = new Recorder();
  for (const fraction of [0.1, 0.4, 0.2, NaN, 0.3, 7, -1]) progress.update(fraction, 'tactics');
  t.deepEqual(
    told.map(([fraction]) => fraction),
    [0.1, 0.4, 1],
  );
});

test('a new phase is told without progress', (t) => {
  const { progress, told } = new Recorder();
  progress.update(0.5, 'one');
  progress.update(0.2, 'two');
  t.deepEqual(told, [
    [0.5, 'one'],
    [0.5, 'two'],
  ]);
});

test('a line is logged at each tenth, and not more often than every five seconds', (t) => {
  const recorder = new Recorder();
  const at = (seconds: number, fraction: number) => {
    recorder.now = seconds * 1000;
    recorder.progress.update(fraction, 'tactics');
  };
  at(1, 0.3);
  t.deepEqual(recorder.log, [], 'too soon');
  at(6, 0.31);
  t.deepEqual(recorder.log, ['31 %, tactics']);
  at(12, 0.39);
  t.is(recorder.log.length, 1, 'no tenth was reached');
  at(13, 0.4);
  at(14, 0.9);
  t.deepEqual(recorder.log.slice(1), ['40 %, tactics']);
  at(19, 1);
  t.deepEqual(recorder.log.slice(2), ['100 %, tactics']);
});

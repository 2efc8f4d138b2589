import test from 'ava';
import { parseModelConfig } from '../../server/config/model-config-file.js';
import { FILE, problems } from '../support/config-problems.js';

/** The section `pipeline`, and what goes with it. */

/** A pipeline, with lines that a test adds below its two stages. */
const pipeline = (...lines: string[]): string =>
  [
    'task: pipeline',
    'pipeline:',
    '  stages:',
    '    - { name: find, model: faces }',
    '    - { name: embed, model: vectors, input: find, regions: landmarks }',
    ...lines,
  ].join('\n');

test('a pipeline needs its stages and nothing else', (t) => {
  const config = parseModelConfig(pipeline(), FILE);
  t.deepEqual(config.pipeline, {
    stages: [
      { name: 'find', model: 'faces' },
      { name: 'embed', model: 'vectors', input: 'find', regions: 'landmarks' },
    ],
    max_inflight_requests: 8,
  });
  t.is(config.max_batch_size, 1);
});

test('tiles have the defaults of SAHI', (t) => {
  const config = parseModelConfig(
    'task: pipeline\npipeline: { stages: [{ name: a, model: b, tiles: { width: 512, height: 384 } }] }',
    FILE,
  );
  t.deepEqual(config.pipeline!.stages[0]!.tiles, {
    width: 512,
    height: 384,
    overlap: 0.2,
    whole_frame: true,
    merge: 'nmm',
    match: 'ios',
    threshold: 0.5,
  });
});

test('every problem of the stages is told with its line', (t) => {
  const text = pipeline(
    '    - { name: embed, model: poses, input: find }',
    '    - { name: lost, model: poses, input: fnd }',
    '    - { name: free, model: poses }',
    '    - { name: early, model: poses, input: late }',
    '    - { name: late, model: poses, input: find, tiles: { width: 64, height: 64 } }',
    '    - { name: hen, model: poses, input: egg }',
    '    - { name: egg, model: poses, input: hen }',
    '    - { name: self, model: poses, input: self }',
    '    - { name: bad name, model: ../poses, input: find, max_regions: 0 }',
  );
  const found = problems(text);
  const expected = [
    /^6:15: pipeline.stages\[2\].name: stage 2 has the name embed too/,
    /^7:42: pipeline.stages\[3\].input: there is no stage fnd; there are find, embed, embed, lost/,
    /^8:7: pipeline.stages\[4\].input: the key is missing: only the first stage looks at the frame; .*such as find/,
    /^9:43: pipeline.stages\[5\].input: stage late comes later: write it before this one/,
    /^10:5\d: pipeline.stages\[6\].tiles: only the first stage/,
    /^11:41: pipeline.stages\[7\].input: stages must not go round in a circle: hen -> egg -> hen/,
    /^13:42: pipeline.stages\[9\].input: stages must not go round in a circle: self -> self/,
  ];
  // Names and numbers that are wrong by themselves come without the rest, which rests on them.
  const single = found.filter((line) => line.startsWith('14:'));
  t.is(single.length, 3);
  const others = problems(text.split('\n').slice(0, -1).join('\n'));
  t.is(others.length, expected.length, others.join('\n'));
  expected.forEach((pattern, index) => t.regex(others[index]!, pattern));
});

test('the first stage looks at the frame, and has nothing to choose from', (t) => {
  const found = problems(
    'task: pipeline\npipeline: { stages: [{ name: a, model: b, input: a, regions: box, max_regions: 3, min_size: 8 }] }',
  );
  t.is(found.length, 4);
  t.regex(found[0]!, /stages\[0\].input: the first stage looks at the frame: remove it/);
  for (const line of found.slice(1)) t.regex(line, /has no meaning for the stage that looks at the frame/);
});

test('keys of networks have no meaning in a pipeline', (t) => {
  const keys = [
    'input: { width: 64, height: 64 }',
    'max_batch_size: 4',
    'labels: names.txt',
    'preprocess: {}',
    'instance_group: { count: 2 }',
    'dynamic_batching: { max_queue_delay_microseconds: 5, priority_levels: 2 }',
  ];
  const found = problems(pipeline(...keys));
  t.deepEqual(
    found.map((line) => line.replace(/^\d+:\d+: /, '')),
    [
      'input',
      'max_batch_size',
      'labels',
      'preprocess',
      'instance_group',
      'dynamic_batching.max_queue_delay_microseconds',
    ].map((path) => `${path}: has no meaning with task pipeline, whose stages have models of their own: remove it`),
  );
});

test('what a task needs, and what it has no use for, is told', (t) => {
  t.regex(problems('task: centerface')[0]!, /^1:1: input: the key is missing: task centerface needs the size/);
  t.regex(problems('task: pipeline')[0]!, /pipeline: the key is missing: expected its stages/);
  const embedding = 'task: embedding\ninput: { width: 8, height: 8 }\n';
  t.regex(problems(`${embedding}annotate: {}`)[0]!, /annotate: has no meaning with task embedding/);
  t.regex(problems(`${embedding}tracker: { algorithm: ocsort }`)[0]!, /tracker: has no meaning with task embedding/);
  t.regex(problems(`${embedding}pipeline: { stages: [{ name: a, model: b }] }`)[0]!, /pipeline: has no meaning with/);
  const faces = 'task: centerface\ninput: { width: 64, height: 64 }\n';
  t.deepEqual(problems(`${faces}annotate: { quality: 50 }\ntracker: { algorithm: bytetrack }`), []);
  t.regex(
    problems(`${faces}tracker: { algorithm: deepsort, deepsort: { preset: face } }`)[0]!,
    /features decide who is who, and task centerface gives none/,
  );
  t.deepEqual(problems('task: fall'), []);
  t.regex(
    problems('task: fall\ninput: { width: 8, height: 8 }')[0]!,
    /input: has no meaning with task fall, which takes key points/,
  );
  t.regex(problems('task: fall\ninstance_group: { kind: KIND_GPU }')[0]!, /task fall only runs on the CPU/);
});

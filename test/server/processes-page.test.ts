import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { detectOne } from '../support/ask.js';
import { eventually } from '../support/eventually.js';
import { statusOf, tryPicture } from '../support/http-ask.js';
import { encode, grey } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { serveSlow } from '../support/slow-serving.js';

/** What the live page shows of a server of two processes, and asks it. */

const SCENE = await readFile(join('model-repo', 'shapes', 'example.png'));

test.serial('pictures are tried in each process in turn, and the page shows the sums', async (t) => {
  await using serving = await Serving.start(
    ({ directory }) => cp(join('model-repo', 'shapes'), join(directory, 'shapes'), { recursive: true }),
    ['--processes', '2', '--threads', '2'],
  );
  const { detections } = await detectOne(serving.client, { picture: SCENE }, { model: 'shapes' });
  for (let turn = 0; turn < 4; turn++) {
    const { status, body } = await tryPicture(serving, 'shapes', SCENE);
    t.is(status, 200);
    t.deepEqual(body.detections, JSON.parse(JSON.stringify(detections)));
    t.like(await tryPicture(serving, 'shapes', Buffer.from('none')), { status: 400, body: { code: 'BAD_IMAGE' } });
  }
  t.like(await tryPicture(serving, 'cat', SCENE), { status: 404, body: { code: 'MODEL_NOT_FOUND' } });
  const { processes, models, errors } = await statusOf(serving);
  t.is(processes, 2);
  t.is(models.length, 1);
  t.like(models[0]!.versions[0], { version: 1, state: 'READY', requests: 9, failures: 4 });
  t.deepEqual(models[0]!.versions[0]!.devices, ['CPU', 'CPU']);
  t.is(models[0]!.versions[0]!.durations.at(-1), 5);
  t.is(errors.length, 1);
  t.like(errors[0], { code: 'BAD_IMAGE', model: 'shapes', version: 1, count: 4 });
});

test.serial('a client that goes away takes its picture out of the queue of whichever process has it', async (t) => {
  await using serving = await serveSlow({ slow: {} }, ['--processes', '2']);
  const busy = await encode(grey(255, 32), 'png');
  const picture = await encode(grey(1, 32), 'png');
  const gone = new AbortController();
  const { signal } = gone;
  // In turn: one for each process to work on, one for each to keep waiting.
  const asked = [busy, busy].map((bytes) => tryPicture(serving, 'slow', bytes, { signal }));
  await serving.metrics.untilBusy('slow', 2);
  asked.push(...[picture, picture].map((bytes) => tryPicture(serving, 'slow', bytes, { signal })));
  await serving.metrics.untilQueued('slow', 2);
  gone.abort();
  await Promise.allSettled(asked);
  await serving.metrics.untilQueued('slow', 0);
  await eventually('both are counted', async () => (await serving.metrics.failed('slow', 'CANCELLED')) === 2);
  t.is(await serving.metrics.busy('slow'), 2, 'those that run finish');
});

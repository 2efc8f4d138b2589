import test from 'ava';
import type { ModelState } from '../../server/core/model-state.js';
import type { ServerReport } from '../../server/http/server-status.js';
import { sharedReport } from '../../server/processes/shared-report.js';

/** A report of versions: `name/version STATE`, each with an instance on the CPU. */
function report(...versions: readonly string[]): ServerReport {
  const models = versions.map((text) => {
    const [, name = '', version = '', state = ''] = /^(.*)\/(\d+) (.*)$/.exec(text) ?? [];
    const reason = state === 'UNAVAILABLE' ? 'it is broken' : null;
    const status = { version: Number(version), state: state as ModelState, reason, devices: ['CPU'] };
    return { name, task: 'yolov8' as const, versions: [status] };
  });
  return { models, errors: [] };
}

function told({ models }: ServerReport): string[] {
  return models.flatMap(({ name, versions }) => {
    return versions.map(({ version, state, devices }) => `${name}/${version} ${state} ${devices.length}`);
  });
}

test('a version that serves in every process is READY, with the instances of all', (t) => {
  t.deepEqual(told(sharedReport([report('face/1 READY'), report('face/1 READY')])), ['face/1 READY 2']);
});

for (const state of ['LOADING', 'UNLOADING', 'UNAVAILABLE'] as const) {
  test(`a version that is ${state} in one process is so in the server, in whichever`, (t) => {
    const [ready, other] = [report('face/1 READY'), report(`face/1 ${state}`)];
    t.deepEqual(told(sharedReport([ready, other])), [`face/1 ${state} 2`]);
    t.deepEqual(told(sharedReport([other, ready])), [`face/1 ${state} 2`]);
  });
}

test('the reason of one process is that of the server', (t) => {
  const { models } = sharedReport([report('face/1 READY'), report('face/1 UNAVAILABLE')]);
  t.is(models[0]?.versions[0]?.reason, 'it is broken');
});

test('models and versions that only some processes have are there, in order', (t) => {
  const merged = sharedReport([report('face/2 READY', 'zebra/1 READY'), report('face/1 READY', 'ant/1 READY')]);
  t.deepEqual(told(merged), ['ant/1 READY 1', 'face/1 READY 1', 'face/2 READY 1', 'zebra/1 READY 1']);
});

test('without an answer there is nothing to tell', (t) => {
  t.deepEqual(sharedReport([]), { models: [], errors: [] });
});

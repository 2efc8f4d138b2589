import test from 'ava';
import { KserveClient } from '../support/kserve-client.js';
import { askRest } from '../support/rest-client.js';
import { Serving } from '../support/serving.js';
import { identityModel } from '../support/tensor-models.js';

/** Live and ready by REST: 200 where it is so, 400 where it is not, as the protocol and Triton have it. */

function serve(broken: boolean, ...flags: string[]): Promise<Serving> {
  return Serving.start(async (repository) => {
    await repository.addVersion('good', 1, identityModel());
    if (broken) await repository.addVersion('bad', 1, new Uint8Array(8));
  }, flags);
}

async function ask(serving: Serving, path: string): Promise<[number, object]> {
  const { status, json } = await askRest(serving, `/v2/${path}`);
  return [status, json];
}

test('a server whose models all serve is ready, and so are they', async (t) => {
  await using serving = await serve(false);
  t.deepEqual(await ask(serving, 'health/live'), [200, { live: true }]);
  t.deepEqual(await ask(serving, 'health/ready'), [200, { ready: true }]);
  t.deepEqual(await ask(serving, 'models/good/ready'), [200, { name: 'good', ready: true }]);
  t.deepEqual(await ask(serving, 'models/good/versions/1/ready'), [200, { name: 'good', ready: true }]);
  t.is((await ask(serving, ''))[0], 200, 'the specification ends the path of the server in a slash');
});

test('a model that is not there, or not in that version, is not ready', async (t) => {
  await using serving = await serve(false);
  t.deepEqual(await ask(serving, 'models/cat/ready'), [400, { name: 'cat', ready: false }]);
  t.deepEqual(await ask(serving, 'models/good/versions/2/ready'), [400, { name: 'good', ready: false }]);
  const [status, { error }] = (await ask(serving, 'models/good/versions/cat/ready')) as [number, { error: string }];
  t.is(status, 400);
  t.regex(error, /cat/);
});

for (const processes of ['1', '2']) {
  test(`a model that failed is not ready, nor is the server, which lives (--processes ${processes})`, async (t) => {
    await using serving = await serve(true, '--processes', processes);
    t.deepEqual(await ask(serving, 'models/bad/ready'), [400, { name: 'bad', ready: false }]);
    t.deepEqual(await ask(serving, 'models/good/ready'), [200, { name: 'good', ready: true }]);
    t.deepEqual(await ask(serving, 'health/ready'), [400, { ready: false }]);
    t.deepEqual(await ask(serving, 'health/live'), [200, { live: true }]);
    using client = new KserveClient(serving.server.grpcAddress);
    t.deepEqual(await client.call('modelReady', { name: 'bad', version: '' }), { ready: false });
  });
}

test('without strict readiness a server is ready with a model that failed', async (t) => {
  await using serving = await serve(true, '--strict-readiness', 'false');
  t.deepEqual(await ask(serving, 'models/bad/ready'), [400, { name: 'bad', ready: false }]);
  t.deepEqual(await ask(serving, 'health/ready'), [200, { ready: true }]);
});

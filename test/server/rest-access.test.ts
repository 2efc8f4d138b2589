import test from 'ava';
import { eventually } from '../support/eventually.js';
import { GuardedServer, PUBLIC } from '../support/guarded-server.js';
import { sendRest } from '../support/rest-client.js';
import { serveSlow } from '../support/slow-serving.js';

/** Who gets in to the REST form of the open inference protocol, and who leaves. */

/** Calls that change the server or look into its machine. */
const ADMINISTRATION = [
  '/v2/repository/index',
  '/v2/repository/models/means/load',
  '/v2/repository/models/means/unload',
  '/v2/logging',
  '/v2/trace/setting',
  '/v2/systemsharedmemory/region/a/register',
  '/v2/cudasharedmemory/unregister',
];

test.serial('on the network administration is closed by HTTP too, and the rest open', async (t) => {
  await using served = await GuardedServer.start(PUBLIC);
  const body = Buffer.from('{}');
  for (const path of ADMINISTRATION) t.is((await sendRest(served.httpAddress, path, body, {})).status, 403, path);
  for (const path of ['/v2', '/v2/models/means', '/v2/models/means/config', '/v2/models/stats', '/v2/health/ready']) {
    t.is((await sendRest(served.httpAddress, path, null, {})).status, 200, path);
  }
});

test.serial('where only this machine connects administration is open', async (t) => {
  await using served = await GuardedServer.start([]);
  const body = Buffer.from('{}');
  for (const path of ADMINISTRATION) t.not((await sendRest(served.httpAddress, path, body, {})).status, 403, path);
});

test.serial('a client that goes away takes its request out of the queue', async (t) => {
  await using serving = await serveSlow({ slow: {} });
  const { json } = await sendRest(serving.server.httpAddress, '/v2/models/slow', null, {});
  const [{ name, datatype, shape }] = json.inputs;
  const dims = (shape as number[]).map((dim) => (dim === -1 ? 1 : dim));
  const size = dims.reduce((product, dim) => product * dim, 1) * 4;
  const head = JSON.stringify({
    inputs: [{ name, datatype, shape: dims, parameters: { binary_data_size: size } }],
  });
  // White: the model counts long where it is bright.
  const pixels = new Float32Array(size / 4).fill(255);
  const bytes = Buffer.concat([Buffer.from(head), Buffer.from(pixels.buffer)]);
  const gone = new AbortController();
  const ask = () =>
    fetch(`http://${serving.server.httpAddress}/v2/models/slow/infer`, {
      method: 'POST',
      body: new Uint8Array(bytes),
      headers: { 'inference-header-content-length': String(head.length) },
      signal: gone.signal,
    });
  const asked = [ask()];
  await serving.metrics.untilBusy('slow', 1);
  asked.push(ask());
  await serving.metrics.untilQueued('slow', 1);
  gone.abort();
  await Promise.allSettled(asked);
  await serving.metrics.untilQueued('slow', 0);
  await eventually('it is counted', async () => (await serving.metrics.failed('slow', 'CANCELLED')) === 1);
  t.pass();
});

import { status as Status } from '@grpc/grpc-js';
import test from 'ava';
import { DataType } from '../../server/onnx/tensor.js';
import { callError } from '../support/call-error.js';
import { GuardedServer, PUBLIC } from '../support/guarded-server.js';
import { inferMessage, KserveClient } from '../support/kserve-client.js';
import { encode, grey } from '../support/pictures.js';
import { ScratchDirectory } from '../support/scratch-directory.js';
import { Serving } from '../support/serving.js';
import { identityModel } from '../support/tensor-models.js';
import { tensor } from '../support/tensors.js';

/** The open inference protocol and the live page behind the same gate. */

function serveIdentity(...flags: string[]): Promise<Serving> {
  return Serving.start(async (repository) => {
    await repository.addVersion('identity', 1, identityModel(DataType.FLOAT, ['batch', 'n']));
  }, flags);
}

/** A request of so many bytes of tensors. */
function request(bytes: number) {
  const values = new Float32Array(bytes / 4);
  return inferMessage('identity', [tensor('INPUT0', 'FP32', [1, values.length], values)], { id: String(bytes) });
}

test.serial('requests of ModelInfer and ModelStreamInfer count against --max-client-bytes', async (t) => {
  await using serving = await serveIdentity('--max-client-bytes', '2000');
  using client = new KserveClient(serving.server.grpcAddress);
  const { code, details } = await callError(client.infer(request(4000)));
  t.is(code, Status.RESOURCE_EXHAUSTED);
  t.regex(details, /--max-client-bytes/);
  t.is((await client.infer(request(400))).id, '400');

  const answers = await client.stream([request(4000), request(400)]);
  t.regex(answers[0]!.errorMessage, /4000 bytes more .* --max-client-bytes/);
  t.deepEqual([answers[1]!.errorMessage, answers[1]!.inferResponse!.id], ['', '400']);
  // Ten times the limit, one after the other: what is answered is given back.
  for (let turn = 0; turn < 10; turn++) {
    const call = client.openStream();
    call.end(request(1600));
    for await (const answer of call) t.is((answer as { errorMessage: string }).errorMessage, '');
  }
});

test.serial('requests of ModelStreamInfer count one by one against --max-client-inflight', async (t) => {
  await using serving = await serveIdentity('--max-client-inflight', '1');
  using client = new KserveClient(serving.server.grpcAddress);
  const answers = await client.stream(Array.from({ length: 20 }, () => request(400)));
  t.is(answers.length, 20);
  for (const { errorMessage } of answers) t.regex(errorMessage, /^$|--max-client-inflight/);
  t.is(answers[0]!.errorMessage, '');
  t.is((await client.infer(request(400))).id, '400');
});

test.serial('a stream of tensors ends at the age of its connection, and every request is answered', async (t) => {
  await using serving = await serveIdentity('--grpc-max-connection-age', '0.5');
  using client = new KserveClient(serving.server.grpcAddress);
  const call = client.openStream();
  let answered = 0;
  call.write(request(400));
  const error = await callError(
    (async () => {
      for await (const answer of call) {
        t.is((answer as { errorMessage: string }).errorMessage, '');
        answered += 1;
        call.write(request(400));
      }
    })(),
  );
  t.is(error.code, Status.UNAVAILABLE);
  t.regex(error.details, /--grpc-max-connection-age/);
  t.true(answered > 0);
  t.is((await client.infer(request(400))).id, '400');
});

test.serial('loading and settings of the open protocol are closed on the network, inference is open', async (t) => {
  await using served = await GuardedServer.start(PUBLIC);
  using client = new KserveClient(served.address);
  const denied = [
    client.call('repositoryIndex', { repositoryName: '', ready: false }),
    client.call('logSettings', { settings: {} }),
    client.call('systemSharedMemoryStatus', { name: '' }),
  ];
  for (const call of denied) t.is((await callError(call)).code, Status.PERMISSION_DENIED);
  t.true((await client.call('serverLive', {})).live);
  t.is((await client.call('serverMetadata', {})).name, 'sluice');
});

test.serial('the page is there for everyone, what it shows and tries is for holders of tokens', async (t) => {
  const [viewer, camera] = ['viewer-viewer-viewer', 'camera-camera-camera'];
  await using directory = await ScratchDirectory.create();
  const file = await directory.write('tokens', `viewer:${viewer}:statistics\ncamera:${camera}:inference\n`);
  await using served = await GuardedServer.start(['--auth-token-file', file, '--max-client-bytes', '1000000']);
  const ask = async (path: string, token?: string, body?: Uint8Array<ArrayBuffer>) => {
    const headers: Record<string, string> = { accept: 'text/html' };
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    const post = body === undefined ? {} : { method: 'POST', body };
    if (body !== undefined) headers['content-type'] = 'image/png';
    return await fetch(`http://${served.httpAddress}${path}`, { headers, ...post });
  };
  const picture = new Uint8Array(await encode(grey(100), 'png'));
  const tried = '/v1/models/means/try';
  const page = await ask('/');
  t.is(page.status, 200);
  t.regex(await page.text(), /<html/);
  t.is((await ask('/v1/status')).status, 401);
  t.is((await ask('/v1/status', viewer)).status, 200);
  t.is((await ask('/v1/status', camera)).status, 403);
  const refused = await ask(tried, undefined, picture);
  t.is(refused.status, 401);
  t.is(((await refused.json()) as { code: string }).code, 'UNAUTHENTICATED');
  t.is((await ask(tried, viewer, picture)).status, 403);
  t.is((await ask(tried, camera, picture)).status, 200);
  const large = await ask(tried, camera, new Uint8Array(1_000_001));
  t.is(large.status, 429);
  t.is(((await large.json()) as { code: string }).code, 'CLIENT_LIMIT');
  t.is((await ask(tried, camera, picture)).status, 200);
});

import { request } from 'node:https';
import { connect } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { RepositoryClient } from '../../clients/typescript/repository-client.js';
import { Authority, opensslMissing, type Pair } from '../support/authority.js';
import { eventually } from '../support/eventually.js';
import { GuardedServer } from '../support/guarded-server.js';
import { LoadStream } from '../support/load-stream.js';
import { grey } from '../support/pictures.js';
import { SecretVolume } from '../support/secret-volume.js';
import { SluiceClient } from '../../clients/typescript/sluice-client.js';

let ours: Authority;
let others: Authority;

if (opensslMissing === null) {
  test.before(async () => {
    [ours, others] = await Promise.all([Authority.create(), Authority.create()]);
  });

  test.after.always(async () => {
    await Promise.all([ours?.[Symbol.asyncDispose](), others?.[Symbol.asyncDispose]()]);
  });
}

function tlsTest(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  if (opensslMissing === null) test.serial(title, body);
  else test.serial.skip(`${title} (${opensslMissing})`, body);
}

function files({ certificate, key }: Pair): Record<string, Buffer> {
  return { 'tls.crt': certificate, 'tls.key': key, 'ca.crt': ours.certificate };
}

function flags(volume: SecretVolume, ...more: string[]): string[] {
  const [cert, key] = [volume.path('tls.crt'), volume.path('tls.key')];
  return ['--grpc-use-ssl', 'true', '--grpc-server-cert', cert, '--grpc-server-key', key, ...more];
}

function mutualFlags(volume: SecretVolume, ...more: string[]): string[] {
  return flags(volume, '--grpc-use-ssl-mutual', 'true', '--grpc-root-cert', volume.path('ca.crt'), ...more);
}

/** Whose certificate a new connection is shown. */
function shown(address: string): Promise<string> {
  const [host, port] = address.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: host!,
      port: Number(port),
      ca: ours.certificate,
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    socket.once('secureConnect', () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

function getHttps(address: string, path: string, own?: Pair): Promise<{ status: number; body: string }> {
  const [host, port] = address.split(':');
  const identity = own === undefined ? {} : { cert: own.certificate, key: own.key };
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, path, ca: ours.certificate, agent: false, ...identity }, (response) => {
      let body = '';
      response.on('data', (text: Buffer) => (body += text.toString()));
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.once('error', reject);
    sent.end();
  });
}

tlsTest('with TLS a client gets in that trusts the authority, and none without TLS or with another one', async (t) => {
  await using volume = await SecretVolume.create(files(await ours.issue('server')));
  await using served = await GuardedServer.start(flags(volume));
  t.is(await served.embed({ tls: { ca: ours.certificate } }), 1);
  await t.throwsAsync(served.embed({ timeoutMs: 1000 }), { message: /no server answers/ });
  await t.throwsAsync(served.embed({ timeoutMs: 1000, tls: { ca: others.certificate } }), {
    message: /over TLS, or none with a certificate that is trusted/,
  });
  t.is(await served.embed({ tls: { ca: ours.certificate } }), 1);
});

tlsTest('with mutual TLS a client needs a certificate of the authority that the server trusts', async (t) => {
  await using volume = await SecretVolume.create(files(await ours.issue('server')));
  await using served = await GuardedServer.start(mutualFlags(volume));
  const [good, foreign] = [await ours.issue('camera'), await others.issue('camera')];
  t.is(await served.embed({ tls: { ca: ours.certificate, ...good } }), 1);
  for (const own of [{}, foreign]) {
    await t.throwsAsync(served.embed({ timeoutMs: 1000, tls: { ca: ours.certificate, ...own } }), {
      message: /no server answers/,
    });
  }
});

tlsTest('the HTTP port speaks TLS too; with mutual TLS its probes stay open and nothing else does', async (t) => {
  await using volume = await SecretVolume.create(files(await ours.issue('server')));
  const http = ['--http-use-ssl', 'true', '--http-use-ssl-mutual', 'true'];
  await using served = await GuardedServer.start(mutualFlags(volume, ...http));
  const [good, foreign] = [await ours.issue('prometheus'), await others.issue('prometheus')];
  for (const path of ['/livez', '/readyz']) t.is((await getHttps(served.httpAddress, path)).status, 200, path);
  t.is((await getHttps(served.httpAddress, '/metrics', good)).status, 200);
  for (const own of [undefined, foreign]) {
    const { status, body } = await getHttps(served.httpAddress, '/metrics', own);
    t.is(status, 401);
    t.regex(body, /asks for a certificate/);
  }
  await t.throwsAsync(fetch(`http://${served.httpAddress}/livez`));
});

for (const processes of [1, 2]) {
  tlsTest(
    `certificates change under load without a failed frame, in ${processes} of a server's processes`,
    async (t) => {
      await using volume = await SecretVolume.create(files(await ours.issue('first')));
      const more = ['--http-use-ssl', 'true', '--processes', String(processes)];
      await using served = await GuardedServer.start(flags(volume, ...more));
      const settings = { tls: { ca: ours.certificate } };
      using client = await SluiceClient.connect(served.address, settings);
      const stream = new LoadStream(client, { picture: grey(9) }, { model: 'means', window: 4 });
      await stream.until('the stream is answered', () => true);
      const expiry = async (): Promise<number> => {
        const { body } = await getHttps(served.httpAddress, '/metrics');
        return Number(/^sluice_certificate_expiry_timestamp_seconds (\S+)$/m.exec(body)?.[1]);
      };
      const before = await expiry();
      t.true(before > Date.now() / 1000);

      let stop = false;
      const connecting = (async () => {
        let count = 0;
        for (; !stop; count++) t.is(await served.embed(settings), 1);
        return count;
      })();
      await volume.update(files(await ours.issue('second', { days: 60 })));
      for (const address of [served.address, served.httpAddress]) {
        await eventually(`${address} shows the new certificate`, async () => {
          // Connections are handed out in turn: as many in a row as there are processes.
          const names = [];
          for (let turn = 0; turn < processes; turn++) names.push(await shown(address));
          return names.every((name) => name === 'second');
        });
      }
      await eventually('the metric tells the new date', async () => (await expiry()) > before);
      await stream.until('the old connection lives on', () => true);
      stop = true;
      t.true((await connecting) > 0);
      await stream.stop();
      t.deepEqual(stream.failures, []);
      t.true(served.logged('the certificate is replaced'));
    },
  );
}

tlsTest('a new pair that does not fit is refused with its reason, and the old one serves on', async (t) => {
  const first = await ours.issue('first');
  await using volume = await SecretVolume.create(files(first));
  await using served = await GuardedServer.start(flags(volume));
  const settings = { tls: { ca: ours.certificate } };
  const refusals = () => served.server.log.filter(({ msg }) => msg.startsWith('a new certificate is refused'));
  const broken = [
    { 'tls.crt': (await ours.issue('second')).certificate, 'tls.key': first.key, reason: /tls\.key is not the key of/ },
    { 'tls.crt': Buffer.from('not PEM'), 'tls.key': first.key, reason: /tls\.crt: no certificate in PEM/ },
    { 'tls.crt': first.certificate, 'tls.key': Buffer.alloc(0), reason: /tls\.key: no private key in PEM/ },
    { ...renamed(await ours.issue('late', { days: -1 })), reason: /tls\.crt has expired/ },
  ];
  for (const [index, { reason, ...pair }] of broken.entries()) {
    await volume.update({ ...pair, 'ca.crt': ours.certificate });
    const refused = await eventually(`refusal ${index} is logged`, () => refusals()[index]);
    t.regex(String(refused['reason']), reason);
    t.is(await shown(served.address), 'first');
    t.is(await served.embed(settings), 1);
  }
  await volume.update(files(await ours.issue('third')));
  await eventually('the next good one is taken', async () => (await shown(served.address)) === 'third');
  t.is(refusals().length, broken.length);
});

function renamed({ certificate, key }: Pair): { 'tls.crt': Buffer; 'tls.key': Buffer } {
  return { 'tls.crt': certificate, 'tls.key': key };
}

tlsTest('authorities of clients change too: the new one gets in, the old one no longer does', async (t) => {
  await using volume = await SecretVolume.create(files(await ours.issue('server')));
  await using served = await GuardedServer.start(mutualFlags(volume));
  const [old, next] = [await ours.issue('old'), await others.issue('next')];
  const state = { ...files(await ours.issue('server')), 'ca.crt': others.certificate };
  await volume.update(state);
  await eventually('the authority is replaced', () => served.logged('the certificate is replaced'));
  t.is(await served.embed({ tls: { ca: ours.certificate, ...next } }), 1);
  await t.throwsAsync(served.embed({ timeoutMs: 1000, tls: { ca: ours.certificate, ...old } }));
});

tlsTest('models are loaded and listed over TLS', async (t) => {
  await using volume = await SecretVolume.create(files(await ours.issue('server')));
  await using served = await GuardedServer.start(flags(volume));
  using repository = await RepositoryClient.connect(served.address, { tls: { ca: ours.certificate } });
  t.deepEqual(
    (await repository.list()).map(({ name }) => name),
    ['means'],
  );
});

tlsTest('a server does not start with files that are missing, broken or of different pairs', async (t) => {
  const [pair, other] = [await ours.issue('server'), await ours.issue('other')];
  await using volume = await SecretVolume.create(files({ certificate: pair.certificate, key: other.key }));
  await t.throwsAsync(GuardedServer.start(flags(volume)), { message: /tls\.key is not the key of .*tls\.crt/ });
  await volume.update({ ...files(pair), 'ca.crt': 'nothing' });
  await t.throwsAsync(GuardedServer.start(mutualFlags(volume)), { message: /ca\.crt: no certificate of an authority/ });
  await volume.update({ 'tls.crt': pair.certificate });
  await t.throwsAsync(GuardedServer.start(flags(volume)), { message: /ENOENT.*tls\.key/ });
});

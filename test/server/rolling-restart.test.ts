import test from 'ava';
import { ServerProcess } from '../../clients/typescript/server-process.js';
import { SluiceClient } from '../../clients/typescript/sluice-client.js';
import { eventually } from '../support/eventually.js';
import { grey } from '../support/pictures.js';
import { RollingLoad } from '../support/rolling-load.js';
import { ServerMetrics } from '../support/server-metrics.js';
import { TestRepository } from '../support/test-repository.js';
import { meansModel } from '../support/tiny-models.js';

const SIDE = 32;

/** Two servers of one repository, as a cluster runs them, each of which can be replaced at its place. */
class Replicas implements AsyncDisposable {
  readonly #repository: TestRepository;
  readonly #servers: ServerProcess[];

  private constructor(repository: TestRepository, servers: ServerProcess[]) {
    this.#repository = repository;
    this.#servers = servers;
  }

  static async start(): Promise<Replicas> {
    const repository = await TestRepository.create();
    const config = { task: 'embedding', input: { width: SIDE, height: SIDE }, instance_group: { count: 1 } };
    await repository.addModel('means', config, meansModel(SIDE, SIDE));
    const servers = await Promise.all([1, 2].map(() => startServer(repository, '127.0.0.1:0')));
    return new Replicas(repository, servers);
  }

  /** Both, as a target of gRPC's. */
  get target(): string {
    return `ipv4:${this.#servers.map(({ grpcAddress }) => grpcAddress).join(',')}`;
  }

  /** SIGTERM, and a new one in its place: resolves with the exit code when clients have come to the new one. */
  async replace(place: number): Promise<number | NodeJS.Signals> {
    const old = this.#servers[place]!;
    old.signal('SIGTERM');
    const code = await old.ended();
    const server = await startServer(this.#repository, old.grpcAddress);
    this.#servers[place] = server;
    const metrics = new ServerMetrics(server.httpAddress);
    await eventually(
      'it has work',
      async () => (await metrics.value('sluice_requests_total', { model: 'means' })) > 50,
    );
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) server.signal('SIGKILL');
    await Promise.all(this.#servers.map((server) => server.ended()));
    await this.#repository[Symbol.asyncDispose]();
  }
}

function startServer(repository: TestRepository, grpcAddress: string): Promise<ServerProcess> {
  const flags = ['--grpc-address', grpcAddress, '--drain-delay', '0.5'];
  return ServerProcess.start({ modelRepository: repository.directory, flags });
}

test.serial('no request fails while two servers under load are restarted one after the other', async (t) => {
  await using replicas = await Replicas.start();
  using client = await SluiceClient.connect(replicas.target);
  const load = new RollingLoad(client, { picture: grey(77) });
  for (let stream = 0; stream < 3; stream++) {
    load.addShort();
    load.addLong({ window: 4, resume: 5 });
  }
  for (const place of [0, 1]) t.is(await replicas.replace(place), 0);
  await load.stop();

  t.deepEqual(load.failures, []);
  t.true(load.shortAnswers > 200, `${load.shortAnswers}`);
  for (const answers of load.longAnswers) {
    t.true(answers.length > 200, `${answers.length}`);
    const wrong = answers.filter(({ frame }, place) => frame?.frameId !== String(place) || frame.index !== place);
    t.deepEqual(wrong, [], 'each frame is answered once, in order, with its place in the stream');
  }
  t.log(`${load.shortAnswers} short streams, long ones of ${load.longAnswers.map(({ length }) => length).join(', ')}`);
});

test.serial('streams that are not told to resume are told that their server went away', async (t) => {
  await using replicas = await Replicas.start();
  using client = await SluiceClient.connect(replicas.target);
  const load = new RollingLoad(client, { picture: grey(77) });
  for (let stream = 0; stream < 2; stream++) load.addLong({ window: 4 });
  load.addShort();
  for (const place of [0, 1]) t.is(await replicas.replace(place), 0);
  await load.stop();
  t.is(load.failures.length, 2);
  for (const failure of load.failures) t.regex(failure, /UNAVAILABLE/);
});

import test from 'ava';
import { ServerProcess } from '../../clients/typescript/server-process.js';
import { SERVICE_CONFIG } from '../../clients/typescript/service-config.js';
import { SluiceClient } from '../../clients/typescript/sluice-client.js';
import { Endpoint } from '../support/endpoint.js';
import { eventually } from '../support/eventually.js';
import { KserveClient, inferMessage } from '../support/kserve-client.js';
import { grey } from '../support/pictures.js';
import { RollingLoad } from '../support/rolling-load.js';
import { ServerMetrics } from '../support/server-metrics.js';
import { TestRepository } from '../support/test-repository.js';
import { tensor } from '../support/tensors.js';
import { meansModel } from '../support/tiny-models.js';

const SIDE = 32;

/** A picture as tensors have it. */
const PICTURE = tensor('input', 'FP32', [1, 3, SIDE, SIDE], new Float32Array(3 * SIDE * SIDE));

/** A server and its address. */
interface Replica {
  server: ServerProcess;
  readonly endpoint: Endpoint;
}

/** Two servers of one repository, as a cluster runs them, each of which can be replaced. */
class Replicas implements AsyncDisposable {
  readonly #repository: TestRepository;
  readonly #replicas: readonly Replica[];

  private constructor(repository: TestRepository, replicas: readonly Replica[]) {
    this.#repository = repository;
    this.#replicas = replicas;
  }

  static async start(): Promise<Replicas> {
    const repository = await TestRepository.create();
    const config = { task: 'embedding', input: { width: SIDE, height: SIDE }, instance_group: { count: 1 } };
    for (const model of ['means', 'tensors']) await repository.addModel(model, config, meansModel(SIDE, SIDE));
    const replicas = [1, 2].map(async () => {
      const server = await startServer(repository);
      return { server, endpoint: await Endpoint.create(server.grpcAddress) };
    });
    return new Replicas(repository, await Promise.all(replicas));
  }

  /** Both, as a target of gRPC's. */
  get target(): string {
    return `ipv4:${this.#replicas.map(({ endpoint }) => endpoint.address).join(',')}`;
  }

  /**
   * SIGTERM, and a new server in its place once it is ready: resolves with the exit code when clients of `models` have come
   * to the new one.
   */
  async replace(place: number, models: readonly string[]): Promise<number | NodeJS.Signals> {
    const replica = this.#replicas[place]!;
    const { server: old, endpoint } = replica;
    old.signal('SIGTERM');
    await eventually('it is not ready', async () => {
      const answer = await fetch(`http://${old.httpAddress}/readyz`).catch(() => null);
      return answer?.ok !== true;
    });
    endpoint.leave();
    const code = await old.ended();
    replica.server = await startServer(this.#repository);
    await endpoint.enter(replica.server.grpcAddress);
    const metrics = new ServerMetrics(replica.server.httpAddress);
    for (const model of models) {
      await eventually(`${model} has work`, async () => {
        return (await metrics.value('sluice_requests_total', { model })) > 20;
      });
    }
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { server, endpoint } of this.#replicas) {
      server.signal('SIGKILL');
      await server.ended();
      endpoint[Symbol.dispose]();
    }
    await this.#repository[Symbol.asyncDispose]();
  }
}

function startServer(repository: TestRepository): Promise<ServerProcess> {
  return ServerProcess.start({ modelRepository: repository.directory, flags: ['--drain-delay', '1'] });
}

test.serial('no request fails while two servers under load are restarted one after the other', async (t) => {
  await using replicas = await Replicas.start();
  using client = await SluiceClient.connect(replicas.target);
  using kserve = new KserveClient(replicas.target, SERVICE_CONFIG);
  const load = new RollingLoad(client, { picture: grey(77) });
  const request = inferMessage('tensors', [PICTURE]);
  for (let stream = 0; stream < 3; stream++) {
    load.addShort({ model: 'means' });
    load.addLong({ model: 'means', window: 4, resume: 5 });
    load.addCalls(() => kserve.infer(request));
  }
  for (const place of [0, 1]) t.is(await replicas.replace(place, ['means', 'tensors']), 0);
  await load.stop();

  t.deepEqual(load.failures, []);
  t.true(load.shortAnswers > 100, `${load.shortAnswers}`);
  t.true(load.callAnswers > 100, `${load.callAnswers}`);
  for (const answers of load.longAnswers) {
    t.true(answers.length > 100, `${answers.length}`);
    const wrong = answers.filter(({ frame }, place) => frame?.frameId !== String(place) || frame.index !== place);
    t.deepEqual(wrong, [], 'each frame is answered once, in order, with its place in the stream');
  }
  t.log(
    `${load.callAnswers} calls, ${load.shortAnswers} short streams, long ones of ${load.longAnswers.map(({ length }) => length).join(', ')}`,
  );
});

test.serial('streams that are not told to resume are told that their server went away', async (t) => {
  await using replicas = await Replicas.start();
  using client = await SluiceClient.connect(replicas.target);
  const load = new RollingLoad(client, { picture: grey(77) });
  for (let stream = 0; stream < 2; stream++) load.addLong({ model: 'means', window: 4 });
  load.addShort({ model: 'means' });
  for (const place of [0, 1]) t.is(await replicas.replace(place, ['means']), 0);
  await load.stop();
  t.is(load.failures.length, 2);
  for (const failure of load.failures) t.regex(failure, /UNAVAILABLE/);
});

import { status as Status, type ServiceError } from '@grpc/grpc-js';
import test from 'ava';
import { eventually } from '../support/eventually.js';
import { KserveClient, outputsOf } from '../support/kserve-client.js';
import { summand, type Step } from '../support/sequence-messages.js';
import { accumulating, accumulator } from '../support/sequence-models.js';
import { Serving } from '../support/serving.js';
import { floats } from '../support/tensors.js';

/** What becomes of open sequences when their model changes. */

const EXPLICIT = ['--model-control-mode', 'explicit', '--load-model', '*'];

/** A server with version 1 of the model `sum`. */
async function serve() {
  const serving = await Serving.start(
    (repository) => repository.addModel('sum', accumulating(), accumulator()),
    EXPLICIT,
  );
  const client = new KserveClient(serving.server.grpcAddress);
  const load = () => client.call('repositoryModelLoad', { repositoryName: '', modelName: 'sum', parameters: {} });
  return {
    client,
    /** The sum so far, and the version that told it. */
    async add(value: number, step: Step): Promise<string> {
      const answer = await client.infer(summand('sum', value, step));
      return `${floats(outputsOf(answer)['OUTPUT']!)[0]} of ${answer.modelVersion}`;
    },
    async addVersion(version: number): Promise<void> {
      await serving.repository.addVersion('sum', version, accumulator());
      await load();
    },
    async untilVersions(...wanted: number[]): Promise<void> {
      await eventually(`versions ${wanted.join()}`, async () => {
        const { models } = await client.call('repositoryIndex', { repositoryName: '', ready: false });
        return models.map(({ version }) => version).join() === wanted.join();
      });
    },
    configure: async (keys: object) => {
      await serving.repository.configure('sum', accumulating(keys));
      await load();
    },
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await serving[Symbol.asyncDispose]();
    },
  };
}

const CLOSED = { code: Status.INVALID_ARGUMENT, details: /sequence 1 is not open/ };

test('a sequence goes on with the version that it began with, which goes when the sequence ends', async (t) => {
  await using server = await serve();
  t.is(await server.add(1, { id: 1, start: true }), '1 of 1');
  await server.addVersion(2);
  t.is(await server.add(10, { id: 2, start: true }), '10 of 2');
  t.is(await server.add(2, { id: 1 }), '3 of 1');
  await server.untilVersions(1, 2);
  t.is(await server.add(3, { id: 1, end: true }), '6 of 1');
  await server.untilVersions(2);
  t.is(await server.add(20, { id: 2, end: true }), '30 of 2');
});

test('a version that is reloaded in place keeps its open sequences', async (t) => {
  await using server = await serve();
  await server.add(1, { id: 1, start: true });
  await server.configure({ oldest: {} });
  t.is(await server.add(2, { id: 1 }), '3 of 1');
  const { config } = await server.client.call('modelConfig', { name: 'sum', version: '' });
  t.is(config?.schedulingChoice?.$case, 'sequenceBatching', 'the new one serves');
  t.is(await server.add(3, { id: 1, end: true }), '6 of 1');
});

test('a sequence that begins again begins on the newest version', async (t) => {
  await using server = await serve();
  await server.add(1, { id: 1, start: true });
  await server.addVersion(2);
  t.is(await server.add(5, { id: 1, start: true }), '5 of 2');
  t.is(await server.add(5, { id: 1 }), '10 of 2');
  await server.untilVersions(2);
});

test('the change after the next one ends it', async (t) => {
  await using server = await serve();
  await server.add(1, { id: 1, start: true });
  await server.addVersion(2);
  t.is(await server.add(2, { id: 1 }), '3 of 1');
  await server.addVersion(3);
  await server.untilVersions(3);
  const error = await t.throwsAsync<ServiceError>(server.add(3, { id: 1 }));
  t.is(error?.code, CLOSED.code);
  t.regex(error?.details ?? '', CLOSED.details);
});

test('a model is unloaded at once, whatever sequences are open', async (t) => {
  await using server = await serve();
  await server.add(1, { id: 1, start: true });
  const { client } = server;
  await client.call('repositoryModelUnload', { repositoryName: '', modelName: 'sum', parameters: {} });
  const error = await t.throwsAsync<ServiceError>(server.add(1, { id: 1 }));
  t.not(error?.code, Status.INVALID_ARGUMENT);
  t.regex(error?.details ?? '', /sum/);
});

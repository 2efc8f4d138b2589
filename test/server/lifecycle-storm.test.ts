import { status as Status, type ServiceError } from '@grpc/grpc-js';
import test from 'ava';
import { RepositoryClient } from '../../clients/typescript/repository-client.js';
import { callError } from '../support/call-error.js';
import { inferMessage, KserveClient, outputsOf } from '../support/kserve-client.js';
import { LoadStream } from '../support/load-stream.js';
import { Operator } from '../support/operator.js';
import { grey } from '../support/pictures.js';
import { Random } from '../support/random.js';
import { askRest } from '../support/rest-client.js';
import { Serving } from '../support/serving.js';
import { addSubModel } from '../support/tensor-models.js';
import { tensor } from '../support/tensors.js';
import { meansModel, spotsModel } from '../support/tiny-models.js';
import { GOOD_INPUT, GOOD_MODEL, unharmed } from '../support/unharmed.js';

/** Many operators at a time who want different things of the same models. */

const MODELS = ['a', 'b', 'c'] as const;
const OPERATORS = 6;
const ROUNDS = 8;
const INSTANCES = 2;

function serve(...flags: string[]): Promise<Serving> {
  return Serving.start(
    async (repository) => {
      const detector = { task: 'centerface', input: GOOD_INPUT, instance_group: { count: 1 } };
      await repository.addModel(GOOD_MODEL, detector, spotsModel(GOOD_INPUT.width, GOOD_INPUT.height));
      const config = { task: 'tensors', instance_group: { count: INSTANCES, intra_op_thread_count: 1 } };
      for (const model of MODELS) await repository.addModel(model, config, addSubModel());
    },
    ['--model-control-mode', 'explicit', '--load-model', GOOD_MODEL, ...flags],
  );
}

const fields = (modelName: string) => ({ repositoryName: '', modelName, parameters: {} });

/** Loads or unloads a model by any of three ways; resolves with the status. */
async function operate(serving: Serving, kserve: KserveClient, random: Random): Promise<Status> {
  const model = random.pick(MODELS);
  const load = random.chance(0.6);
  switch (random.int(0, 2)) {
    case 0: {
      using client = await RepositoryClient.connect(serving.server.grpcAddress);
      return await codeOf(load ? client.load(model) : client.unload(model));
    }
    case 1:
      return await codeOf(kserve.call(load ? 'repositoryModelLoad' : 'repositoryModelUnload', fields(model)));
    default: {
      const { status } = await askRest(serving, `/v2/repository/models/${model}/${load ? 'load' : 'unload'}`, {});
      return status === 200 ? Status.OK : status === 404 ? Status.NOT_FOUND : Status.UNKNOWN;
    }
  }
}

async function codeOf(call: Promise<unknown>): Promise<Status> {
  return await call.then(
    () => Status.OK,
    ({ code }: ServiceError) => code,
  );
}

/** What a model answers to 5 and 2; rejects with its status. */
async function ask(kserve: KserveClient, model: string): Promise<number[]> {
  const full = (name: string, value: number) => tensor(name, 'INT32', [1, 16], new Int32Array(16).fill(value));
  const answer = await kserve.infer(inferMessage(model, [full('INPUT0', 5), full('INPUT1', 2)]));
  const { OUTPUT0, OUTPUT1 } = outputsOf(answer);
  return [OUTPUT0, OUTPUT1].map((output) => output!.data[0]!);
}

for (const processes of [1, 2]) {
  test.serial(
    `models are loaded and unloaded by many at a time, with ${processes} processes, and end as the last one wanted`,
    async (t) => {
      await using serving = await serve('--processes', String(processes));
      const clients = Array.from({ length: OPERATORS }, () => new KserveClient(serving.server.grpcAddress));
      const codes = new Set<Status>();
      await unharmed(t, serving, async () => {
        const operators = clients.map(async (kserve, index) => {
          const random = new Random(index);
          for (let round = 0; round < ROUNDS; round++) {
            codes.add(await operate(serving, kserve, random));
            const answer = await ask(kserve, random.pick(MODELS)).catch(({ code }: ServiceError) => code);
            if (typeof answer === 'number')
              t.true([Status.NOT_FOUND, Status.UNAVAILABLE].includes(answer), Status[answer]);
            else t.deepEqual(answer, [7, 3]);
          }
        });
        await Promise.all(operators);
      });
      // Who unloads what is not there is told so; UNAVAILABLE: what was loading has been unloaded meanwhile.
      for (const code of codes) t.true([Status.OK, Status.NOT_FOUND, Status.UNAVAILABLE].includes(code), Status[code]);
      for (const model of MODELS) await clients[0]!.call('repositoryModelLoad', fields(model));
      for (const kserve of clients) for (const model of MODELS) t.deepEqual(await ask(kserve, model), [7, 3]);
      for (const model of MODELS) {
        t.is(
          await serving.metrics.value('sluice_instances', { model }),
          INSTANCES * processes,
          'no instance is left over',
        );
        await clients[0]!.call('repositoryModelUnload', fields(model));
        for (const kserve of clients) t.is((await callError(ask(kserve, model))).code, Status.NOT_FOUND);
        t.is(await serving.metrics.value('sluice_instances', { model }), 0, 'nothing of it is left');
      }
      for (const kserve of clients) kserve[Symbol.dispose]();
    },
  );
}

test.serial('no frame fails while reloads fail under load, and the next one that is good takes over', async (t) => {
  const config = (scale: number) => ({
    task: 'embedding',
    input: { width: 8, height: 8 },
    postprocess: { normalize: false },
    preprocess: { scale },
    instance_group: { count: 1 },
  });
  await using serving = await Serving.start(
    (repository) => repository.addModel('means', config(1), meansModel(8, 8)),
    ['--model-control-mode', 'explicit', '--load-model', 'means'],
  );
  using operator = await Operator.of(serving.server);
  const stream = new LoadStream(serving.client, { picture: grey(10, 8) }, { model: 'means', window: 4 });
  const means = ({ embeddings }: { readonly embeddings: readonly { readonly values: readonly number[] }[] }) =>
    Math.round(embeddings[0]?.values[0] ?? Number.NaN);
  await stream.until('the first answers', (answer) => means(answer) === 10);
  for (let round = 0; round < 3; round++) {
    await serving.repository.addVersion('means', 1, Buffer.from('this is no model'));
    t.is((await callError(operator.client.load('means'))).code, Status.FAILED_PRECONDITION);
    await serving.repository.addVersion('means', 1, meansModel(8, 8));
    await serving.repository.configure('means', { ...config(1), nonsense: round });
    t.is((await callError(operator.client.load('means'))).code, Status.FAILED_PRECONDITION);
    await stream.until('the old one answers', (answer) => means(answer) === 10);
  }
  await serving.repository.configure('means', config(2));
  await operator.client.load('means');
  await stream.until('the new one answers', (answer) => means(answer) === 20);
  await stream.stop();
  t.deepEqual(stream.failures, []);
});

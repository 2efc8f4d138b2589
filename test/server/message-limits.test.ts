import { status as Status } from '@grpc/grpc-js';
import test from 'ava';
import { ModelInferRequest } from '../../server/gen/inference/grpc_service.js';
import { DataType } from '../../server/onnx/tensor.js';
import { callError } from '../support/call-error.js';
import { eventually } from '../support/eventually.js';
import { inferMessage, KserveClient, outputsOf } from '../support/kserve-client.js';
import { beginMessage, OpenCalls } from '../support/open-call.js';
import { Serving } from '../support/serving.js';
import { identityModel } from '../support/tensor-models.js';
import { tensor } from '../support/tensors.js';
import { spotsModel } from '../support/tiny-models.js';
import { GOOD_INPUT, GOOD_MODEL, unharmed } from '../support/unharmed.js';

/** Messages at and over --max-message-bytes, up to what the four bytes of their length can say. */

const MEBIBYTE = 1 << 20;
const LIMIT = 24 * MEBIBYTE;
const PATHS = [
  '/sluice.v1.Inference/Detect',
  '/inference.GRPCInferenceService/ModelInfer',
  '/inference.GRPCInferenceService/ModelStreamInfer',
];

function serve(limit: number): Promise<Serving> {
  return Serving.start(
    async (repository) => {
      const detector = { task: 'centerface', input: GOOD_INPUT, instance_group: { count: 1 } };
      await repository.addModel(GOOD_MODEL, detector, spotsModel(GOOD_INPUT.width, GOOD_INPUT.height));
      const tensors = { task: 'tensors', instance_group: { count: 1 } };
      await repository.addModel('bytes', tensors, identityModel(DataType.UINT8, ['batch', 'width']));
    },
    ['--max-message-bytes', String(limit)],
  );
}

const rss = ({ metrics }: Serving) => metrics.value('process_resident_memory_bytes');

/** A request whose message is exactly so long, most of it the tensor. */
function messageOf(length: number): Buffer {
  const width = length - 1000;
  const input = tensor('INPUT0', 'UINT8', [1, width], new Uint8Array(width).fill(7));
  const encode = (id: string) => Buffer.from(ModelInferRequest.encode(inferMessage('bytes', [input], { id })).finish());
  // An id of 200 to 900 bytes has a length of two bytes, as this one has.
  const missing = length - encode('x'.repeat(200)).length;
  return encode('x'.repeat(200 + missing));
}

test.serial(
  'a length over the limit is refused before the message comes, up to 4 GiB, and takes no memory',
  async (t) => {
    await using serving = await serve(LIMIT);
    const before = await rss(serving);
    await unharmed(t, serving, async () => {
      using calls = new OpenCalls(serving.server.grpcAddress);
      for (const path of PATHS) {
        for (const length of [LIMIT + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]) {
          const answer = await calls.open(path, beginMessage(length, 1000)).answer;
          t.is(answer?.['grpc-status'], String(Status.RESOURCE_EXHAUSTED), `${length} bytes to ${path}`);
        }
      }
    });
    const grown = (await rss(serving)) - before;
    t.true(grown < 96 * MEBIBYTE, `${Math.round(grown / MEBIBYTE)} MiB more`);
  },
);

test.serial(
  'messages that are begun and never go on take no more than has come, and go with their connection',
  async (t) => {
    await using serving = await serve(2 ** 30);
    const open = () => serving.metrics.value('sluice_streams_open');
    const before = await rss(serving);
    await unharmed(t, serving, async () => {
      const others = await open();
      using calls = new OpenCalls(serving.server.grpcAddress);
      for (let index = 0; index < 60; index++) calls.open(PATHS[index % 3]!, beginMessage(2 ** 30, 1000));
      await eventually('the streams are open', async () => (await open()) === others + 40);
      const grown = (await rss(serving)) - before;
      t.true(
        grown < 256 * MEBIBYTE,
        `60 GiB are announced, and the server has ${Math.round(grown / MEBIBYTE)} MiB more`,
      );
      calls[Symbol.dispose]();
      await eventually('the streams are over', async () => (await open()) === others);
    });
  },
);

test.serial(
  'a message as long as the limit is answered, alone and in a stream, and one byte more is refused',
  async (t) => {
    await using serving = await serve(LIMIT);
    using client = new KserveClient(serving.server.grpcAddress);
    await unharmed(t, serving, async () => {
      const whole = messageOf(LIMIT);
      t.is(whole.length, LIMIT);
      const output = outputsOf(await client.startRaw('modelInfer', whole).response)['OUTPUT0'];
      t.deepEqual(output?.shape, [1, LIMIT - 1000]);
      t.true(
        output!.data.every((byte) => byte === 7),
        'the answer is what was sent',
      );
      const [answer] = await client.stream([ModelInferRequest.decode(whole)]);
      t.is(answer?.errorMessage, '');
      const longer = messageOf(LIMIT + 1);
      t.is((await callError(client.startRaw('modelInfer', longer).response)).code, Status.RESOURCE_EXHAUSTED);
      t.is((await callError(client.stream([ModelInferRequest.decode(longer)]))).code, Status.RESOURCE_EXHAUSTED);
    });
  },
);

test.serial('long messages one after the other leave nothing behind', async (t) => {
  await using serving = await serve(LIMIT);
  using client = new KserveClient(serving.server.grpcAddress);
  const whole = messageOf(LIMIT);
  const send = async (times: number) => {
    for (let index = 0; index < times; index++) await client.startRaw('modelInfer', whole).response;
  };
  await send(5);
  const before = await rss(serving);
  await send(40);
  const grown = (await rss(serving)) - before;
  t.log(`${Math.round(grown / MEBIBYTE)} MiB more after ${(40 * LIMIT) / MEBIBYTE} MiB`);
  t.true(grown < 20 * LIMIT, `${Math.round(grown / MEBIBYTE)} MiB more after ${(40 * LIMIT) / MEBIBYTE} MiB`);
});

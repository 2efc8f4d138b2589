import { status as Status } from '@grpc/grpc-js';
import type { ModelInferRequest } from '../../../server/gen/inference/grpc_service.js';
import type { Tensor } from '../../../server/core/tensors.js';
import { inferMessage, outputsOf } from '../../support/kserve-client.js';
import type { Random } from '../../support/random.js';
import { askRest } from '../../support/rest-client.js';
import { tensor } from '../../support/tensors.js';
import { failsWith, oneOf, same, type Kind } from './kind.js';
import type { SoakServer } from './soak-server.js';

/** Calls of the open inference protocol, by gRPC and REST: good ones, bad ones, and cancelled ones. */
export function tensorKinds({ serving, kserve }: SoakServer): readonly Kind[] {
  const infer = async (random: Random): Promise<number> => {
    const input = random.chance(0.8) ? someFloats(random) : someTexts(random);
    const answer = await kserve.infer(inferMessage(modelOf(input), [input], { id: 'a' }));
    isEcho(input, outputsOf(answer)['OUTPUT0']);
    return 1;
  };

  const addSub = async (random: Random): Promise<number> => {
    const rows = random.int(1, 8);
    const [a, b] = [random.int(-1000, 1000), random.int(-1000, 1000)];
    const full = (name: string, value: number) =>
      tensor(name, 'INT32', [rows, 16], new Int32Array(rows * 16).fill(value));
    const { OUTPUT0, OUTPUT1 } = outputsOf(
      await kserve.infer(inferMessage('add_sub', [full('INPUT0', a), full('INPUT1', b)])),
    );
    isEcho(full('OUTPUT0', a + b), OUTPUT0);
    isEcho(full('OUTPUT1', a - b), OUTPUT1);
    return 1;
  };

  const stream = async (random: Random): Promise<number> => {
    const inputs = Array.from({ length: random.int(1, 10) }, () => someFloats(random));
    const bad = inputs.map(() => random.chance(0.2));
    const requests = inputs.map((input, index) => {
      const message = inferMessage('floats', [input], { id: String(index) });
      return bad[index] === true ? { ...message, rawInputContents: [] } : message;
    });
    const answers = await kserve.stream(requests);
    same('answers', answers.length, requests.length);
    for (const [index, { errorMessage, inferResponse }] of answers.entries()) {
      same('the id of an answer', inferResponse?.id, String(index));
      same(`a failure, ${errorMessage}`, errorMessage !== '', bad[index]);
      if (bad[index] !== true) isEcho(inputs[index]!, outputsOf(inferResponse!)['OUTPUT0']);
    }
    return requests.length;
  };

  const wrong = async (random: Random): Promise<number> => {
    const mistake = random.pick(MISTAKES)!;
    const message = mistake.make(inferMessage('floats', [someFloats(random)]));
    await failsWith(mistake.name, kserve.infer(message), mistake.code);
    return 1;
  };

  const noMessage = async (random: Random): Promise<number> => {
    const bytes = Buffer.from(Array.from({ length: random.int(1, 40) }, () => 0x80 | random.int(0, 127)));
    await failsWith('what is no message', kserve.startRaw('modelInfer', bytes).response, Status.INVALID_ARGUMENT);
    return 1;
  };

  const cancelled = async (random: Random): Promise<number> => {
    const picture = new Float32Array(3 * 64 * 64).fill(random.int(0, 3));
    const call = kserve.start('modelInfer', inferMessage('slow', [tensor('input', 'FP32', [1, 3, 64, 64], picture)]));
    if (random.chance(0.5)) await new Promise((resolve) => setImmediate(resolve));
    call.cancel();
    // It may have been answered by then.
    const code = await call.response.then(
      () => Status.OK,
      (error: { readonly code: Status }) => error.code,
    );
    oneOf('a cancelled call', code, [Status.OK, Status.CANCELLED]);
    return 1;
  };

  const rest = async (random: Random): Promise<number> => {
    const { shape, data } = someFloats(random, 500);
    const head = { name: 'INPUT0', datatype: 'FP32', shape };
    const values = [...new Float32Array(data.buffer)];
    const path = '/v2/models/floats/infer';
    if (random.chance(0.5)) {
      const { status, json } = await askRest(serving, path, { inputs: [{ ...head, data: values }] });
      same('the status of REST', status, 200);
      same('what REST answers', json.outputs[0].data, values);
      return 1;
    }
    const parameters = { binary_data_size: data.length };
    const asked = { inputs: [{ ...head, parameters }], parameters: { binary_data_output: true } };
    const { status, binary } = await askRest(serving, path, asked, data);
    same('the status of REST', status, 200);
    same('what REST answers', Buffer.compare(binary, data), 0);
    return 1;
  };

  const wrongRest = async (random: Random): Promise<number> => {
    const body = random.pick([
      '{',
      '[]',
      '{"inputs":[{"name":"INPUT0","shape":[-1],"datatype":"FP32","data":[1]}]}',
      '',
    ]);
    const { status } = await askRest(serving, '/v2/models/floats/infer', body);
    same('the status of REST', status, 400);
    return 1;
  };

  return [
    { name: 'ModelInfer', weight: 60, act: infer },
    { name: 'ModelInfer of two inputs', weight: 30, act: addSub },
    { name: 'ModelStreamInfer', weight: 15, act: stream },
    { name: 'ModelInfer with a mistake', weight: 20, act: wrong },
    { name: 'ModelInfer of what is no message', weight: 10, act: noMessage },
    { name: 'ModelInfer that is cancelled', weight: 10, act: cancelled },
    { name: 'REST', weight: 20, act: rest },
    { name: 'REST with a mistake', weight: 5, act: wrongRest },
  ];
}

interface Mistake {
  readonly name: string;
  readonly code: Status;
  readonly make: (message: ModelInferRequest) => ModelInferRequest;
}

const shaped = (shape: readonly bigint[]) => (message: ModelInferRequest) => ({
  ...message,
  inputs: message.inputs.map((input) => ({ ...input, shape: [...shape] })),
});

const MISTAKES: readonly Mistake[] = [
  { name: 'an unknown model', code: Status.NOT_FOUND, make: (message) => ({ ...message, modelName: 'nobody' }) },
  { name: 'a shape of other bytes', code: Status.INVALID_ARGUMENT, make: shaped([1n, 100_000n]) },
  { name: 'a negative dim', code: Status.INVALID_ARGUMENT, make: shaped([-1n, 4n]) },
  { name: 'dims beyond counting', code: Status.INVALID_ARGUMENT, make: shaped([1n << 62n, 4n]) },
  {
    name: 'a name that is there twice',
    code: Status.INVALID_ARGUMENT,
    make: (message) => ({
      ...message,
      inputs: [...message.inputs, ...message.inputs],
      rawInputContents: [...message.rawInputContents, ...message.rawInputContents],
    }),
  },
];

/** Mostly small, at times up to a megabyte, which has another way in. */
function someFloats(
  random: Random,
  most = random.chance(0.1) ? 250_000 : 2000,
): Tensor & { data: Uint8Array<ArrayBuffer> } {
  const rows = random.int(1, 4);
  const width = random.int(1, Math.ceil(most / rows));
  const values = new Float32Array(rows * width).fill(random.int(-100, 100));
  return { name: 'INPUT0', datatype: 'FP32', shape: [rows, width], data: new Uint8Array(values.buffer) };
}

function someTexts(random: Random): Tensor {
  const texts = Array.from({ length: random.int(1, 50) }, () => 'x'.repeat(random.int(0, 200)));
  return tensor('INPUT0', 'BYTES', [1, texts.length], texts);
}

const modelOf = ({ datatype }: Tensor): string => (datatype === 'BYTES' ? 'texts' : 'floats');

/** Throws unless an output has the shape and the data of what was sent. */
function isEcho(sent: Tensor, found: Tensor | undefined): void {
  same('the shape of an output', found?.shape, sent.shape);
  same('the data of an output', Buffer.compare(found!.data, sent.data), 0);
}

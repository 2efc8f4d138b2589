import {
  GRPCInferenceServiceService as KSERVE,
  InferTensorContents,
  type ModelInferRequest,
} from '../../../server/gen/inference/grpc_service.js';
import { InferenceService, type DetectRequest, type EmbedRequest } from '../../../server/gen/sluice/v1/inference.js';
import { RepositoryService } from '../../../server/gen/sluice/v1/repository.js';
import { inferMessage } from '../../support/kserve-client.js';
import {
  boxRegion,
  detectFrame,
  detectOptions,
  embedFrame,
  embedOptions,
  landmarksRegion,
} from '../../support/messages.js';
import { encode, grey } from '../../support/pictures.js';
import { summand } from '../../support/sequence-messages.js';
import { tensor } from '../../support/tensors.js';

/** Valid messages of one method, in the order in which a stream has them. */
export interface Seed {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly stream: boolean;
  readonly messages: readonly Uint8Array[];
  /** Throws when the bytes are no answer of the method; returns what it tells of a failure inside. */
  readonly failureIn: (answer: Buffer) => { readonly status: number; readonly message: string } | null;
}

const SEQUENCE = [{ id: 3, start: true }, { id: 3 }, { id: 'b', start: true, end: true }, { id: 3, end: true }];

/** Valid calls of every method of both protocols, for the models of `FuzzServer`. */
export async function seeds(): Promise<readonly Seed[]> {
  const jpeg = await encode(grey(90, 40), 'jpeg');
  const png = await encode(grey(90, 20), 'png');
  const point = [5, 5, 20, 5, 12, 12, 6, 20, 18, 20];
  const timed = {
    frameId: 'a',
    priority: 1,
    timeout: { seconds: 5, nanos: 1 },
    captureTime: { seconds: 0, nanos: 0 },
  };
  const thresholds = { scoreThreshold: 0.25, nmsThreshold: 0.5, classIds: [0, 1], maxDetections: 3 };
  return [
    ...detects([
      detectOptions({ model: 'spots', window: 3 }, thresholds),
      detectFrame(jpeg, timed),
      detectFrame(grey(7)),
    ]),
    ...detects([detectOptions({ model: 'spots', version: '1', framePolicy: 2 }, { annotate: true }), detectFrame(png)]),
    ...embeds([embedFrame(jpeg, {}, [boxRegion(1, 1, 20, 20), landmarksRegion(point)])]),
    ...embeds([embedFrame('a text'), embedFrame(grey(3), timed)]),
    ...infers(floats(2, 3), contents(), classes(), texts()),
    ...infers(...SEQUENCE.map((step) => summand('sum', 1, step))),
    ...others(),
  ];
}

function detects(requests: readonly DetectRequest[]): Seed[] {
  const { path, requestSerialize, responseDeserialize } = InferenceService.detect;
  const failureIn: Seed['failureIn'] = (answer) => responseDeserialize(answer).frame?.error ?? null;
  return [{ path, stream: true, messages: requests.map(requestSerialize), failureIn }];
}

const CALLS = [
  ['embed', 'means'],
  ['classify', 'classes'],
  ['segment', 'colors'],
] as const;

/** The messages of Embed are those of Classify and Segment too: their fields have the same numbers. */
function embeds(frames: readonly EmbedRequest[]): Seed[] {
  return CALLS.map(([name, model]) => {
    const { path, responseDeserialize } = InferenceService[name];
    const messages = [embedOptions({ model }), ...frames].map(InferenceService.embed.requestSerialize);
    const failureIn: Seed['failureIn'] = (answer) => responseDeserialize(answer).frame?.error ?? null;
    return { path, stream: true, messages, failureIn };
  });
}

function infers(...requests: readonly ModelInferRequest[]): Seed[] {
  const messages = requests.map(KSERVE.modelInfer.requestSerialize);
  const { path, responseDeserialize } = KSERVE.modelStreamInfer;
  const failureIn: Seed['failureIn'] = (answer) => {
    const { errorMessage: message } = responseDeserialize(answer);
    // A fault of the server is told as its status would be.
    return message === '' ? null : { status: message.startsWith('internal error') ? 13 : 3, message };
  };
  return [...messages.map((message) => unary('modelInfer', message)), { path, stream: true, messages, failureIn }];
}

function floats(rows: number, width: number): ModelInferRequest {
  const values = Float32Array.from({ length: rows * width }, (_, index) => index);
  const parameters = { priority: whole(1), timeout: whole(1_000_000) };
  return inferMessage('floats', [tensor('INPUT0', 'FP32', [rows, width], values)], { id: 'a', parameters });
}

const whole = (value: number) => ({ parameterChoice: { $case: 'int64Param' as const, int64Param: BigInt(value) } });

function contents(): ModelInferRequest {
  const input = (name: string) => ({
    name,
    datatype: 'INT32',
    shape: [1n, 16n],
    contents: InferTensorContents.fromPartial({ intContents: Array.from({ length: 16 }, (_, index) => index) }),
  });
  return inferMessage('add_sub', [], {
    modelVersion: '1',
    inputs: [input('INPUT0'), input('INPUT1')],
    outputs: [{ name: 'OUTPUT0' }],
  });
}

function texts(): ModelInferRequest {
  return inferMessage('texts', [tensor('INPUT0', 'BYTES', [1, 3], ['a', 'bc', ''])]);
}

function classes(): ModelInferRequest {
  const outputs = [{ name: 'OUTPUT0', parameters: { classification: whole(2) } }];
  return inferMessage('floats', [tensor('INPUT0', 'FP32', [1, 3], Float32Array.of(3, 1, 2))], { outputs });
}

type Method = Exclude<keyof typeof KSERVE, 'modelStreamInfer'>;

function unary(name: Method, message: Uint8Array): Seed {
  const { path, responseDeserialize } = KSERVE[name];
  return {
    path,
    stream: false,
    messages: [message],
    failureIn: (answer) => {
      responseDeserialize(answer);
      return null;
    },
  };
}

function others(): Seed[] {
  const model = { name: 'floats', version: '1' };
  const config = { parameterChoice: { $case: 'stringParam' as const, stringParam: '{"max_batch_size": 4}' } };
  const other = { repositoryName: '', modelName: 'other', parameters: {} };
  const region = { name: 'region', key: '/sluice-fuzz', offset: 0n, byteSize: 64n };
  const memory = { name: 'memory', rawHandle: new Uint8Array(64), deviceId: 0n, byteSize: 64n };
  const { requestSerialize: load } = KSERVE.repositoryModelLoad;
  const encoded: readonly (readonly [Method, Uint8Array])[] = [
    ['serverLive', new Uint8Array(0)],
    ['serverReady', new Uint8Array(0)],
    ['serverMetadata', new Uint8Array(0)],
    ['modelReady', KSERVE.modelReady.requestSerialize(model)],
    ['modelMetadata', KSERVE.modelMetadata.requestSerialize(model)],
    ['modelConfig', KSERVE.modelConfig.requestSerialize(model)],
    ['modelStatistics', KSERVE.modelStatistics.requestSerialize(model)],
    ['repositoryIndex', KSERVE.repositoryIndex.requestSerialize({ repositoryName: '', ready: true })],
    ['repositoryModelLoad', load({ ...other, parameters: { config } })],
    ['repositoryModelUnload', KSERVE.repositoryModelUnload.requestSerialize(other)],
    ['systemSharedMemoryStatus', KSERVE.systemSharedMemoryStatus.requestSerialize({ name: 'region' })],
    ['systemSharedMemoryRegister', KSERVE.systemSharedMemoryRegister.requestSerialize(region)],
    ['systemSharedMemoryUnregister', KSERVE.systemSharedMemoryUnregister.requestSerialize({ name: 'region' })],
    ['cudaSharedMemoryStatus', KSERVE.cudaSharedMemoryStatus.requestSerialize({ name: 'region' })],
    ['cudaSharedMemoryRegister', KSERVE.cudaSharedMemoryRegister.requestSerialize(memory)],
    ['cudaSharedMemoryUnregister', KSERVE.cudaSharedMemoryUnregister.requestSerialize({ name: 'memory' })],
    [
      'traceSetting',
      KSERVE.traceSetting.requestSerialize({ settings: { trace_rate: { value: ['1'] } }, modelName: '' }),
    ],
    ['logSettings', KSERVE.logSettings.requestSerialize({ settings: {} })],
  ];
  const repository = (['listModels', 'loadModel', 'unloadModel'] as const).map((name) => {
    const { path } = RepositoryService[name];
    return { path, stream: false, messages: [Buffer.from('\n\u0005other')], failureIn: () => null };
  });
  return [...encoded.map(([name, message]) => unary(name, message)), ...repository];
}

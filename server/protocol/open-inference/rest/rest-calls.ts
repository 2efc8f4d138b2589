import { quoted, ServingError } from '../../../core/errors.js';
import type { RestAnswer, RestCall, RestRequest, RestSource } from '../../../core/open-inference/rest-exchange.js';
import type { Tracer } from '../../../core/tracer.js';
import { readVersion } from '../../../core/version-policy.js';
import type {
  LogSettingsRequest,
  ModelRepositoryParameter,
  TraceSettingRequest,
} from '../../../gen/inference/grpc_service.js';
import { forClient, type FaultLog } from '../../client-error.js';
import { traceHttpCall } from '../../http-trace.js';
import { openInferenceCalls, type CallsContext, type OpenInferenceCalls } from '../calls.js';
import { Inference, type InferenceContext } from '../inference.js';
import { isObject, readJson, type Json } from './exact-json.js';
import { readInferBody, writeInferAnswer, type InferBody } from './infer-body.js';
import { messageText } from './message-text.js';
import { isRawBody, readRawBody } from './raw-body.js';

export interface RestContext extends CallsContext, InferenceContext {
  /** Null: nothing is traced. */
  readonly tracer: Tracer | null;
  readonly logFault: FaultLog;
  /** Aborted, with the reason, when nothing is taken any more. */
  readonly draining: AbortSignal;
}

type Answerer = (request: RestRequest, calls: OpenInferenceCalls) => RestAnswer | Promise<RestAnswer>;

/** The calls that do not infer. */
const ANSWERERS: Readonly<Record<Exclude<RestCall, 'infer'>, Answerer>> = {
  serverMetadata: (_request, calls) => ok(calls.serverMetadata()),
  modelReady: ({ model: name, version }, calls) => {
    const { ready } = calls.modelReady({ name, version });
    // As of the server: the protocol wants 4xx.
    return { ...ok({ name, ready }), status: ready ? 200 : 400 };
  },
  modelMetadata: ({ model: name, version }, calls) => ok(calls.modelMetadata({ name, version })),
  modelConfig: ({ model: name, version }, calls) => ok(calls.modelConfig({ name, version }).config),
  modelStatistics: async ({ model: name, version }, calls) => ok(await calls.modelStatistics({ name, version })),
  repositoryIndex: ({ body }, calls) => {
    const ready = readJson(body)['ready'] === true;
    return ok(calls.repositoryIndex({ repositoryName: '', ready }).models);
  },
  repositoryModelLoad: async ({ model: modelName, body }, calls) => {
    const parameters = toRepositoryParameters(readJson(body)['parameters']);
    return ok(await calls.repositoryModelLoad({ repositoryName: '', modelName, parameters }));
  },
  repositoryModelUnload: async ({ model: modelName }, calls) =>
    ok(await calls.repositoryModelUnload({ repositoryName: '', modelName, parameters: {} })),
  logSettings: async ({ body }, calls) => {
    const { settings } = await calls.logSettings({ settings: toSettings(readJson(body)) });
    return ok(
      plain(settings, ({ parameterChoice: choice }) => (choice as unknown as Json | undefined)?.[caseOf(choice)]),
    );
  },
  traceSetting: async ({ model: modelName, body }, calls) => {
    const { settings } = await calls.traceSetting({ modelName, settings: toTraceSettings(readJson(body)) });
    const { trace_level: level, ...others } = settings;
    return ok({ trace_level: level?.value, ...plain(others, ({ value }) => value[0]) });
  },
  systemSharedMemoryStatus: ({ region: name }, calls) =>
    ok(Object.values(calls.systemSharedMemoryStatus({ name }).regions)),
  systemSharedMemoryRegister: async ({ region: name, body }, calls) => {
    const { key, offset = 0, byte_size: byteSize } = readJson(body);
    if (typeof key !== 'string') throw new ServingError('INVALID_REQUEST', 'key must be a text');
    const place = { offset: wholeNumber(offset, 'offset'), byteSize: wholeNumber(byteSize, 'byte_size') };
    return ok(await calls.systemSharedMemoryRegister({ name, key, ...place }));
  },
  systemSharedMemoryUnregister: async ({ region: name }, calls) =>
    ok(await calls.systemSharedMemoryUnregister({ name })),
  cudaSharedMemoryStatus: ({ region: name }, calls) =>
    ok(Object.values(calls.cudaSharedMemoryStatus({ name }).regions)),
  cudaSharedMemoryRegister: async ({ region: name, body }, calls) => {
    const { raw_handle: handle, device_id: device, byte_size: byteSize } = readJson(body);
    const base64 = isObject(handle) ? handle['b64'] : undefined;
    if (typeof base64 !== 'string') throw new ServingError('INVALID_REQUEST', 'raw_handle must be {"b64": "BASE64"}');
    const memory = { deviceId: wholeNumber(device, 'device_id'), byteSize: wholeNumber(byteSize, 'byte_size') };
    return ok(await calls.cudaSharedMemoryRegister({ name, rawHandle: Buffer.from(base64, 'base64'), ...memory }));
  },
  cudaSharedMemoryUnregister: async ({ region: name }, calls) => ok(await calls.cudaSharedMemoryUnregister({ name })),
};

/** The REST form of the open inference protocol: JSON in and out, in front of the same calls as gRPC's. */
export class RestCalls implements RestSource {
  readonly #context: RestContext;
  readonly #calls: OpenInferenceCalls;
  readonly #running = new Set<Promise<unknown>>();

  constructor(context: RestContext) {
    this.#context = context;
    this.#calls = openInferenceCalls(context);
  }

  async ask(request: RestRequest, signal: AbortSignal): Promise<RestAnswer> {
    const answer = request.call === 'infer' ? this.#infer(request, signal) : this.#answer(request, request.call);
    this.#running.add(answer);
    try {
      return await answer;
    } catch (cause) {
      throw forClient(ServingError.from(cause), this.#context.logFault);
    } finally {
      this.#running.delete(answer);
    }
  }

  /** Resolves when what was asked before has its answer. */
  async drain(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async #answer(request: RestRequest, call: Exclude<RestCall, 'infer'>): Promise<RestAnswer> {
    return await ANSWERERS[call](request, this.#calls);
  }

  async #infer(request: RestRequest, signal: AbortSignal): Promise<RestAnswer> {
    this.#context.draining.throwIfAborted();
    const trace = traceHttpCall(this.#context.tracer, request);
    try {
      const body = this.#read(request);
      const inference = Inference.start(body.message, { timeout: null, index: 0, trace }, this.#context);
      const withdraw = (): void => inference.cancel(new ServingError('CANCELLED', 'the client went away'));
      signal.addEventListener('abort', withdraw);
      if (signal.aborted) withdraw();
      const response = await inference.response;
      const answer = writeInferAnswer(response, body);
      trace?.ended(null);
      return answer;
    } catch (cause) {
      trace?.ended(ServingError.from(cause));
      throw cause;
    }
  }

  #read(request: RestRequest): InferBody {
    if (!isRawBody(request)) return readInferBody(request);
    using lease = this.#context.repository.acquire(request.model, readVersion(request.version));
    return readRawBody(request, lease.model);
  }
}

function ok(message: unknown): RestAnswer {
  return { status: 200, text: messageText(message), binary: [] };
}

function wholeNumber(value: unknown, name: string): bigint {
  if (Number.isSafeInteger(value)) return BigInt(value as number);
  throw new ServingError('INVALID_REQUEST', `${name} must be a whole number`);
}

function caseOf(choice: { readonly $case: string } | undefined): string {
  return choice?.$case ?? '';
}

/** Settings without the wrapping that protobuf needs. */
function plain<T>(settings: Readonly<Record<string, T>>, value: (setting: T) => unknown): object {
  return Object.fromEntries(Object.entries(settings).map(([name, setting]) => [name, value(setting)]));
}

function toSettings(values: Json): LogSettingsRequest['settings'] {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      if (typeof value === 'boolean') return [name, { parameterChoice: { $case: 'boolParam', boolParam: value } }];
      if (typeof value === 'string') return [name, { parameterChoice: { $case: 'stringParam', stringParam: value } }];
      const uint32Param = Number.isInteger(value) && (value as number) >= 0 ? (value as number) : null;
      return [name, { parameterChoice: uint32Param === null ? undefined : { $case: 'uint32Param', uint32Param } }];
    }),
  );
}

/** A setting has one text or several; a number is taken for its text, and null for none. */
function toTraceSettings(values: Json): TraceSettingRequest['settings'] {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const texts = value === null ? [] : Array.isArray(value) ? value : [value];
      return [name, { value: texts.map(String) }];
    }),
  );
}

function toRepositoryParameters(values: unknown): Record<string, ModelRepositoryParameter> {
  if (values === undefined) return {};
  if (!isObject(values)) throw new ServingError('INVALID_REQUEST', 'parameters must be an object');
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      if (typeof value !== 'string') return [name, { parameterChoice: undefined }];
      if (!name.startsWith('file:')) return [name, { parameterChoice: { $case: 'stringParam', stringParam: value } }];
      return [name, { parameterChoice: { $case: 'bytesParam', bytesParam: fromBase64(name, value) } }];
    }),
  );
}

function fromBase64(name: string, text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  // Node leaves out what does not belong there; then there are too few bytes for the text.
  if (bytes.length === (text.length / 4) * 3 - (/=*$/.exec(text)?.[0].length ?? 0)) return bytes;
  throw new ServingError('INVALID_REQUEST', `${quoted(name)} must be the bytes of a file in base64`);
}

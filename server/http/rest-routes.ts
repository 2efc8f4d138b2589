import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CallGroup } from '../core/access/call-groups.js';
import { ServingError } from '../core/errors.js';
import type { RestAnswer, RestCall, RestSource } from '../core/open-inference/rest-exchange.js';
import { acceptedCoding, decoded, encoded } from './content-coding.js';
import { errorBody, httpStatus } from './error-status.js';
import { header, originOf } from './http-origin.js';
import type { Readiness } from './readiness.js';

/** What answers the open inference protocol. */
export interface RestDoor extends RestSource {
  /** Longest body that is taken, compressed or not. */
  readonly maxBytes: number;
}

interface Route {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly group: CallGroup;
  readonly call: RestCall;
}

const get = (url: string, group: CallGroup, call: RestCall): Route => ({ method: 'GET', url, group, call });
const post = (url: string, group: CallGroup, call: RestCall): Route => ({ method: 'POST', url, group, call });

/** Of a model, and of a version of it. */
const ofModel = (tail: string, route: (url: string) => Route): Route[] =>
  ['/v2/models/:model', '/v2/models/:model/versions/:version'].map((model) => route(model + tail));

const MEMORY_ROUTES = (['system', 'cuda'] as const).flatMap((kind) => {
  const path = `/v2/${kind}sharedmemory`;
  return [
    get(`${path}/status`, 'shared-memory', `${kind}SharedMemoryStatus`),
    get(`${path}/region/:region/status`, 'shared-memory', `${kind}SharedMemoryStatus`),
    post(`${path}/region/:region/register`, 'shared-memory', `${kind}SharedMemoryRegister`),
    post(`${path}/unregister`, 'shared-memory', `${kind}SharedMemoryUnregister`),
    post(`${path}/region/:region/unregister`, 'shared-memory', `${kind}SharedMemoryUnregister`),
  ];
});

/** The paths as KServe and Triton name them, each in the group of the gRPC call that it is the twin of. */
const REST_ROUTES: readonly Route[] = [
  get('/v2', 'metadata', 'serverMetadata'),
  get('/v2/', 'metadata', 'serverMetadata'),
  ...ofModel('', (url) => get(url, 'metadata', 'modelMetadata')),
  ...ofModel('/ready', (url) => get(url, 'health', 'modelReady')),
  ...ofModel('/config', (url) => get(url, 'model-config', 'modelConfig')),
  get('/v2/models/stats', 'statistics', 'modelStatistics'),
  ...ofModel('/stats', (url) => get(url, 'statistics', 'modelStatistics')),
  ...ofModel('/infer', (url) => post(url, 'inference', 'infer')),
  post('/v2/repository/index', 'model-repository', 'repositoryIndex'),
  post('/v2/repository/models/:model/load', 'model-repository', 'repositoryModelLoad'),
  post('/v2/repository/models/:model/unload', 'model-repository', 'repositoryModelUnload'),
  get('/v2/logging', 'logging', 'logSettings'),
  post('/v2/logging', 'logging', 'logSettings'),
  get('/v2/trace/setting', 'trace', 'traceSetting'),
  post('/v2/trace/setting', 'trace', 'traceSetting'),
  get('/v2/models/:model/trace/setting', 'trace', 'traceSetting'),
  post('/v2/models/:model/trace/setting', 'trace', 'traceSetting'),
  ...MEMORY_ROUTES,
];

/** Where the JSON of a body ends, of a request and of an answer. */
const HEADER_LENGTH = 'inference-header-content-length';

/** The REST form of the open inference protocol. */
export function addRestRoutes(
  app: FastifyInstance,
  door: RestDoor,
  readiness: () => Readiness | Promise<Readiness>,
): void {
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // Clients name whatever type, or none.
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.addHook('preParsing', async (request, _reply, body) => decoded(body, request.headers['content-encoding']));
    scope.setErrorHandler((cause, _request, reply) => {
      const error = toServingError(cause, door.maxBytes);
      if (error === null) throw cause;
      return reply.code(httpStatus(error)).send(errorBody(error));
    });
    scope.get('/v2/health/live', { config: { group: 'health' } }, () => ({ live: true }));
    scope.get('/v2/health/ready', { config: { group: 'health' } }, async (_request, reply) => {
      const { ready } = await readiness();
      // The protocol wants 4xx.
      return reply.code(ready ? 200 : 400).send({ ready });
    });
    for (const { method, url, group, call } of REST_ROUTES) {
      scope.route({
        method,
        url,
        bodyLimit: door.maxBytes,
        config: { group },
        handler: (request, reply) => answer(request, reply, door, call),
      });
    }
  });
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  door: RestDoor,
  call: RestCall,
): Promise<FastifyReply> {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const { model = '', version = '', region = '' } = request.params as Partial<Record<string, string>>;
  const { headers } = request;
  const asked = {
    call,
    model,
    version,
    region,
    body: (request.body as Buffer | undefined) ?? new Uint8Array(0),
    headerLength: header(headers[HEADER_LENGTH]) ?? null,
    contentType: headers['content-type'] ?? null,
    ...originOf(request),
  };
  return await send(reply, await door.ask(asked, gone.signal), header(headers['accept-encoding']));
}

async function send(reply: FastifyReply, said: RestAnswer, accepted: string | undefined): Promise<FastifyReply> {
  const json = Buffer.from(said.text);
  const { binary } = said;
  reply.code(said.status).type(binary.length === 0 ? 'application/json' : 'application/octet-stream');
  if (binary.length > 0) reply.header(HEADER_LENGTH, json.length);
  const bytes = binary.length === 0 ? json : Buffer.concat([json, ...binary]);
  reply.header('vary', 'accept-encoding');
  const coding = acceptedCoding(accepted);
  const compressed = coding === null ? null : await encoded(bytes, coding);
  if (coding !== null && compressed !== null) reply.header('content-encoding', coding);
  return reply.send(compressed ?? bytes);
}

/** What a request has met; null: nothing that is only met here. */
function toServingError(cause: unknown, maxBytes: number): ServingError | null {
  if (cause instanceof ServingError) return cause;
  const { statusCode, code } = cause as { readonly statusCode?: number; readonly code?: string };
  if (statusCode === 413) {
    const why = `the body has over ${maxBytes} bytes, the server's --max-message-bytes`;
    return new ServingError('MESSAGE_TOO_LARGE', why);
  }
  if (code?.startsWith('Z_') === true || code === 'ERR_BUFFER_TOO_LARGE') {
    return new ServingError('INVALID_REQUEST', `the body is not what its content-encoding says: ${code}`);
  }
  return null;
}

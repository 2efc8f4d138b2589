import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ServingError } from '../core/errors.js';
import type { HttpOrigin } from '../core/tracer.js';
import { readVersion } from '../core/version-policy.js';
import { errorBody, httpStatus } from './error-status.js';
import { originOf } from './http-origin.js';

/** A picture that somebody tries a model with. */
export interface TriedPicture extends HttpOrigin {
  readonly model: string;
  /** Null: the newest ready one. */
  readonly version: number | null;
  readonly picture: Uint8Array;
  readonly options: Readonly<Record<string, string>>;
}

/** What answers pictures. */
export interface TrySource {
  /** Longest picture that is taken. */
  readonly maxPictureBytes: number;
  /** Resolves to what the model says; throws a ServingError that a client may see. */
  readonly tryPicture: (tried: TriedPicture, signal: AbortSignal) => Promise<object>;
}

/** Pictures that are read or tried at a time. More come by gRPC, whose streams are held back where this refuses. */
const MOST_TRIES = 16;

const PICTURES = ['image/jpeg', 'image/png', 'image/webp', 'application/octet-stream'];

type TryRoute = { readonly Params: { readonly model: string; readonly version?: string }; readonly Body: Buffer };

/** `POST /v1/models/NAME/try`: a picture through the queue of a model, answered in JSON. */
export function addTryRoutes(app: FastifyInstance, { maxPictureBytes, tryPicture }: TrySource): void {
  void app.register(async (scope) => {
    let tries = 0;
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(PICTURES, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.setErrorHandler((cause, _request, reply) => {
      const error = toServingError(cause, maxPictureBytes);
      if (error === null) throw cause;
      return reply.code(httpStatus(error)).send(errorBody(error));
    });
    // Before the body is read.
    scope.addHook('onRequest', async (_request, reply) => {
      if (tries >= MOST_TRIES) {
        throw new ServingError('QUEUE_FULL', `${MOST_TRIES} pictures are being tried; send many over gRPC`);
      }
      tries += 1;
      reply.raw.once('close', () => (tries -= 1));
    });
    const options = { bodyLimit: maxPictureBytes, config: { group: 'inference' as const } };
    const handler = async (request: FastifyRequest<TryRoute>, reply: FastifyReply): Promise<object> => {
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      const { model, version } = request.params;
      const picture = (request.body as Buffer | undefined) ?? new Uint8Array(0);
      const query = request.query as Record<string, string | string[]>;
      const asked = Object.entries(query).map(([name, value]) => [name, String(value)]);
      const tried: TriedPicture = {
        model,
        version: readVersion(version ?? ''),
        picture,
        options: Object.fromEntries(asked) as Record<string, string>,
        ...originOf(request),
      };
      return await tryPicture(tried, gone.signal);
    };
    scope.post<TryRoute>('/v1/models/:model/try', options, handler);
    scope.post<TryRoute>('/v1/models/:model/versions/:version/try', options, handler);
  });
}

/** What a request has met; null: nothing that is only met here. */
function toServingError(cause: unknown, maxBytes: number): ServingError | null {
  if (cause instanceof ServingError) return cause;
  const { statusCode } = cause as { readonly statusCode?: number };
  if (statusCode === 413) {
    return new ServingError(
      'MESSAGE_TOO_LARGE',
      `the picture has over ${maxBytes} bytes, the server's --max-message-bytes`,
    );
  }
  if (statusCode === 415) {
    return new ServingError('INVALID_REQUEST', `the content-type of a picture is one of ${PICTURES.join(', ')}`);
  }
  return null;
}

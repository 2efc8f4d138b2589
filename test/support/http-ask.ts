import type { ServerStatus } from '../../server/http/server-status.js';
import type { Serving } from './serving.js';

/** An answer of the HTTP port: its status, and its body as JSON. */
export interface HttpAnswer {
  readonly status: number;
  // The tests know what they have asked for.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

export interface TryOptions {
  /** What follows the question mark. */
  readonly query?: string;
  readonly version?: string;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Asks a model about a picture over HTTP. */
export async function tryPicture(
  { server }: Serving,
  model: string,
  picture: Uint8Array,
  { query = '', version, type = 'image/png', headers, signal }: TryOptions = {},
): Promise<HttpAnswer> {
  const path = version === undefined ? model : `${model}/versions/${version}`;
  const response = await fetch(`http://${server.httpAddress}/v1/models/${path}/try?${query}`, {
    method: 'POST',
    headers: { 'content-type': type, ...headers },
    body: new Uint8Array(picture),
    ...(signal === undefined ? {} : { signal }),
  });
  return { status: response.status, body: await response.json() };
}

/** What `/v1/status` tells. */
export async function statusOf({ server }: Serving): Promise<ServerStatus> {
  const response = await fetch(`http://${server.httpAddress}/v1/status`);
  if (response.status !== 200) throw new Error(`/v1/status answered ${response.status}`);
  return (await response.json()) as ServerStatus;
}

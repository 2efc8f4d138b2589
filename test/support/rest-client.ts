import type { Serving } from './serving.js';

/** An answer of the REST form of the open inference protocol. */
export interface RestReply {
  readonly status: number;
  // The tests know what they have asked for.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly json: any;
  /** As it came. */
  readonly text: string;
  /** What stands behind the JSON. */
  readonly binary: Buffer;
  readonly headers: Headers;
}

/** Asks by GET, or by POST where there is a body: text is sent as it is, other things as JSON; `binary` behind that. */
export async function askRest(
  { server }: Serving,
  path: string,
  body?: object | string,
  binary?: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<RestReply> {
  const text = typeof body === 'string' ? body : JSON.stringify(body ?? {});
  const head = binary === undefined ? {} : { 'inference-header-content-length': String(Buffer.byteLength(text)) };
  return await sendRest(
    server.httpAddress,
    path,
    body === undefined ? null : Buffer.concat([Buffer.from(text), binary ?? Buffer.alloc(0)]),
    { ...head, ...headers },
  );
}

/** Sends bytes as they are; null: a GET. */
export async function sendRest(
  address: string,
  path: string,
  body: Buffer | null,
  headers: Readonly<Record<string, string>>,
): Promise<RestReply> {
  const how = body === null ? { headers } : { method: 'POST', body: new Uint8Array(body), headers };
  const response = await fetch(`http://${address}${path}`, how);
  const bytes = Buffer.from(await response.arrayBuffer());
  const end = Number(response.headers.get('inference-header-content-length') ?? bytes.length);
  const text = bytes.subarray(0, end).toString();
  return {
    status: response.status,
    json: JSON.parse(text),
    text,
    binary: bytes.subarray(end),
    headers: response.headers,
  };
}

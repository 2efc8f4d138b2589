import type { ServerStatus } from '../server-status.js';

/** An answer of the server that is an error, in its words. */
export class AnswerError extends Error {
  readonly status: number;
  /** One of the server's error codes; empty where it gave none. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** A server that takes longer to tell its status is not well. */
const STATUS_MILLISECONDS = 5000;

/** The server behind the page, and the token that it may ask for. */
export class ServerLink {
  #token = '';

  /** Kept in memory: it is gone with the page. */
  useToken(token: string): void {
    this.#token = token;
  }

  async status(): Promise<ServerStatus> {
    return (await this.#ask('v1/status', { signal: AbortSignal.timeout(STATUS_MILLISECONDS) })) as ServerStatus;
  }

  /** What a model says of a picture; `version` empty: the newest. */
  async tryPicture(model: string, version: string, picture: Blob, options: URLSearchParams): Promise<unknown> {
    const name = encodeURIComponent(model);
    const path = version === '' ? `v1/models/${name}/try` : `v1/models/${name}/versions/${version}/try`;
    const headers = { 'content-type': picture.type === '' ? 'application/octet-stream' : picture.type };
    return await this.#ask(`${path}?${options}`, { method: 'POST', body: picture, headers });
  }

  async #ask(path: string, init: RequestInit): Promise<unknown> {
    const headers = new Headers(init.headers);
    if (this.#token !== '') headers.set('authorization', `Bearer ${this.#token}`);
    const response = await fetch(path, { ...init, headers });
    const body: unknown = await response.json().catch(() => null);
    if (response.ok) return body;
    const { error, code } = (body ?? {}) as { readonly error?: string; readonly code?: string };
    throw new AnswerError(response.status, code ?? '', error ?? `the server answered ${response.status}`);
  }
}

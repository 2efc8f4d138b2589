import { ServingError } from '../errors.js';

/** What one request of a client holds in the server, until it is disposed of. */
export interface Share extends Disposable {
  /** The request holds so many bytes more. Throws CLIENT_LIMIT. */
  grow(bytes: number): void;
}

interface Held {
  requests: number;
  bytes: number;
}

/** Of what is not counted. */
export const NO_SHARE: Share = { grow: () => {}, [Symbol.dispose]: () => {} };

/**
 * Bounds what each client may have in the server at once: requests, and bytes of them. A client of which nothing is in the
 * server is forgotten.
 */
export class ClientLimits {
  readonly #mostRequests: number;
  readonly #mostBytes: number;
  readonly #clients = new Map<string, Held>();

  /** 0: no limit. */
  constructor(mostRequests: number, mostBytes: number) {
    this.#mostRequests = mostRequests;
    this.#mostBytes = mostBytes;
  }

  /** Whether there is anything to count. */
  get any(): boolean {
    return this.#mostRequests > 0 || this.#mostBytes > 0;
  }

  /** Whether bytes are bounded. */
  get ofBytes(): boolean {
    return this.#mostBytes > 0;
  }

  /** Clients that have something in the server now. */
  get clients(): number {
    return this.#clients.size;
  }

  /** One request more of `client`; null: nobody's. Throws CLIENT_LIMIT. */
  take(client: string | null, bytes = 0): Share {
    if (client === null || !this.any) return NO_SHARE;
    const held = this.#clients.get(client) ?? { requests: 0, bytes: 0 };
    if (this.#mostRequests > 0 && held.requests >= this.#mostRequests) {
      throw new ServingError(
        'CLIENT_LIMIT',
        `this client has ${held.requests} requests in the server, as many as --max-client-inflight allows; send the ` +
          'next one when one is answered',
      );
    }
    this.#checkBytes(held, bytes);
    held.requests += 1;
    held.bytes += bytes;
    this.#clients.set(client, held);
    return this.#share(client, held, bytes);
  }

  #share(client: string, held: Held, taken: number): Share {
    let open = true;
    return {
      grow: (bytes) => {
        if (!open) return;
        this.#checkBytes(held, bytes);
        held.bytes += bytes;
        taken += bytes;
      },
      [Symbol.dispose]: () => {
        if (!open) return;
        open = false;
        held.requests -= 1;
        held.bytes -= taken;
        if (held.requests === 0) this.#clients.delete(client);
      },
    };
  }

  #checkBytes(held: Held, bytes: number): void {
    if (this.#mostBytes === 0 || held.bytes + bytes <= this.#mostBytes) return;
    throw new ServingError(
      'CLIENT_LIMIT',
      `with ${bytes} bytes more this client would have over ${this.#mostBytes} in the server, which is what ` +
        '--max-client-bytes allows; send more slowly, or less at once',
    );
  }
}

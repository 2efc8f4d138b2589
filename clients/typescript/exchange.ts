import type { EventEmitter } from 'node:events';
import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';

/** What a stream sends: as fast as it is produced, as slow as the server reads. */
export type Source<T> = Iterable<T> | AsyncIterable<T>;

/**
 * Sends the items of a stream and yields the answers. `toMessage` is asked once with null where there was no item at
 * all; null sends nothing.
 */
export async function* exchange<T, Request, Response>(
  call: ClientDuplexStream<Request, Response>,
  items: Source<T>,
  signal: AbortSignal | undefined,
  toMessage: (item: T | null, first: boolean) => Request | null,
): AsyncGenerator<Response> {
  const cancel = (): void => call.cancel();
  if (signal?.aborted === true) cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  let failure: { readonly error: unknown } | null = null;
  const sent = send(call, items, toMessage).catch((error: unknown) => {
    // The items themselves could not be produced: there is nothing more to answer.
    failure = { error };
    call.cancel();
  });
  try {
    for await (const response of call) yield response as Response;
    await sent;
  } catch (error) {
    if (failure !== null) throw (failure as { error: unknown }).error;
    throw error as ServiceError;
  } finally {
    signal?.removeEventListener('abort', cancel);
    call.cancel();
  }
}

async function send<T, Request, Response>(
  call: ClientDuplexStream<Request, Response>,
  items: Source<T>,
  toMessage: (item: T | null, first: boolean) => Request | null,
): Promise<void> {
  let first = true;
  for await (const item of items) {
    if (call.destroyed) return;
    const message = toMessage(item, first);
    first = false;
    if (message !== null && !call.write(message)) await writable(call);
  }
  const instead = first ? toMessage(null, true) : null;
  if (instead !== null) call.write(instead);
  call.end();
}

/** Resolves when the call takes more, or has ended. */
function writable(call: EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'close', 'status'] as const) call.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'close', 'status'] as const) call.once(event, done);
  });
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

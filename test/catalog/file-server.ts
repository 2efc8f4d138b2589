import type { ExecutionContext } from 'ava';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FileServer {
  readonly url: string;
  /** How many requests came in. */
  requests(): number;
}

/** An HTTP server on a free port of this machine that ends with the test. */
export async function serve(t: ExecutionContext, answer: Uint8Array | RequestListener): Promise<FileServer> {
  let count = 0;
  const listener: RequestListener = typeof answer === 'function' ? answer : (_, response) => response.end(answer);
  const server = createServer((request, response) => {
    count += 1;
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/file`, requests: () => count };
}

/** An address of this machine where nobody listens. */
export async function closedAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}/file`;
}

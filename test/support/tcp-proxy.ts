import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Stands between a client and a server, so that a test can cut or freeze their connection without a word of goodbye. */
export class TcpProxy implements Disposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Bytes that clients have sent. */
  passed = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** `target` is `host:port`. */
  static async create(target: string): Promise<TcpProxy> {
    const colon = target.lastIndexOf(':');
    const [host, port] = [target.slice(0, colon), Number(target.slice(colon + 1))];
    const server = createServer();
    const proxy = new TcpProxy(server);
    server.on('connection', (near) => {
      const far = connect({ host, port });
      proxy.#sockets.add(near).add(far);
      for (const socket of [near, far]) socket.on('error', () => {});
      near.on('data', (bytes) => (proxy.passed += bytes.length));
      near.pipe(far).pipe(near);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  /** `host:port`. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Both ends see their connection reset. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#sockets.clear();
  }

  /** Nothing passes any more, either way, and neither end is told. */
  freeze(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  [Symbol.dispose](): void {
    this.cut();
    this.#server.close();
  }
}

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * An address of a server, as a cluster gives it out: connections are let through while the server is ready and refused
 * otherwise; those that are open stay.
 */
export class Endpoint implements Disposable {
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | null;

  private constructor(server: Server) {
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Connections go to `target`, `host:port`. */
  static async create(target: string): Promise<Endpoint> {
    const server = await listen(0);
    const endpoint = new Endpoint(server);
    endpoint.#letThrough(server, target);
    return endpoint;
  }

  /** `host:port`. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** The server is ready no more. */
  leave(): void {
    this.#server?.close();
    this.#server = null;
  }

  /** Another one is ready, at `target`. */
  async enter(target: string): Promise<void> {
    this.#server = await listen(this.#port);
    this.#letThrough(this.#server, target);
  }

  [Symbol.dispose](): void {
    this.leave();
    for (const socket of this.#sockets) socket.destroy();
  }

  #letThrough(server: Server, target: string): void {
    const [host, port] = target.split(':');
    server.on('connection', (near) => {
      const far = connect({ host: host!, port: Number(port) });
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        // The other end goes with it.
        socket.on('error', () => {});
        socket.once('close', () => {
          this.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far).pipe(near);
    });
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

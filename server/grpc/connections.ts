import { constants, type Http2Session, type ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { AnyHttp2Server } from './http2-servers.js';

/** How long connections last, in seconds. */
export interface ConnectionAge {
  /** 0: as long as the client likes. */
  readonly most: number;
  /** How long calls may go on after that. */
  readonly grace: number;
}

/** A client's connection, as its calls see it. */
export interface Connection {
  /** Who is at the other end: the subject of a certificate that was verified, or an IP address. */
  readonly peer: string;
  /** Aborted when the client has been asked to connect anew. */
  readonly leaving: AbortSignal;
}

/** Share of an age by which it is longer or shorter: clients that came together do not leave together. */
const JITTER = 0.1;

/** The connections of a gRPC server: counts them, and ends those that are too old. */
export class Connections {
  /** Those that are open now. */
  open = 0;
  readonly #age: ConnectionAge;
  readonly #known = new WeakMap<Http2Session, Connection>();

  constructor(age: ConnectionAge) {
    this.#age = age;
  }

  /** Takes in those of one more HTTP/2 server. */
  add(http2Server: AnyHttp2Server): void {
    http2Server.on('session', (session: ServerHttp2Session) => {
      const leaving = new AbortController();
      this.#known.set(session, { peer: peerOf(session), leaving: leaving.signal });
      this.open += 1;
      session.once('close', () => (this.open -= 1));
      if (this.#age.most > 0) this.#endInTime(session, leaving);
    });
  }

  /** Undefined: the session has ended before its call was seen. */
  of(session: Http2Session | undefined): Connection | undefined {
    return session === undefined ? undefined : this.#known.get(session);
  }

  #endInTime(session: ServerHttp2Session, leaving: AbortController): void {
    const { most, grace } = this.#age;
    const seconds = most * (1 - JITTER + 2 * JITTER * Math.random());
    let timer = setTimeout(() => {
      askToLeave(session);
      leaving.abort();
      timer = setTimeout(() => session.destroy(), grace * 1000).unref();
    }, seconds * 1000).unref();
    session.once('close', () => clearTimeout(timer));
  }
}

/**
 * Lets the calls of a connection end, and has the client open new ones over another. Both words at once: a client in Node
 * that hears the first one alone keeps calls that are on their way for ever, while those that the second one refuses are
 * tried again, since they were not begun.
 */
function askToLeave(session: ServerHttp2Session): void {
  if (session.closed || session.destroyed) return;
  session.goaway(constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1);
  session.close();
}

function peerOf({ socket }: ServerHttp2Session): string {
  // Of an insecure connection the socket is a plain one.
  const { authorized } = socket as Partial<TLSSocket>;
  const certificate = authorized === true ? (socket as TLSSocket).getPeerX509Certificate() : undefined;
  if (certificate !== undefined) return `certificate ${certificate.subject.replaceAll('\n', ', ')}`;
  return `address ${socket.remoteAddress ?? 'unknown'}`;
}

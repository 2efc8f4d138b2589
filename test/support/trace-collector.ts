import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runOracle } from '../oracle/python.js';
import { eventually } from './eventually.js';

/** A span as it arrived. */
export interface CollectedSpan {
  /** Hexadecimal, as are the other ids. */
  readonly trace: string;
  readonly id: string;
  /** Empty: it is a root. */
  readonly parent: string;
  /** W3C's tracestate. */
  readonly state: string;
  readonly name: string;
  readonly kind: string;
  /** Nanoseconds since 1970. */
  readonly from: bigint;
  readonly to: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }[];
  readonly status: string;
  readonly scope: string;
  readonly resource: Readonly<Record<string, unknown>>;
}

/** A collector of traces by OTLP over HTTP, which reads what comes with other code than the server writes it with. */
export class TraceCollector implements AsyncDisposable {
  /** Every connection ever made to it. */
  connections = 0;
  /** Every request ever made to it. */
  requests = 0;
  readonly paths = new Set<string>();
  readonly headers: IncomingMessage['headers'][] = [];
  readonly #server: Server;
  readonly #spans: CollectedSpan[] = [];

  private constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
    this.#server.on('connection', () => (this.connections += 1));
  }

  static async start(): Promise<TraceCollector> {
    const collector = new TraceCollector();
    collector.#server.listen(0, '127.0.0.1');
    await once(collector.#server, 'listening');
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get spans(): readonly CollectedSpan[] {
    return this.#spans;
  }

  /** The spans of that name, in that trace where one is given, by their start, once there are that many. */
  async named(name: string, count = 1, trace?: string): Promise<readonly CollectedSpan[]> {
    return eventually(`${count} spans ${name}`, () => {
      const found = this.#spans.filter((span) => span.name === name && (trace === undefined || span.trace === trace));
      return found.length >= count ? found.sort(byStart) : undefined;
    });
  }

  /** The spans right below another, by their start. */
  below(parent: CollectedSpan): CollectedSpan[] {
    return this.#spans.filter((span) => span.parent === parent.id).sort(byStart);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.requests += 1;
    this.paths.add(`${request.method} ${request.url}`);
    this.headers.push(request.headers);
    const spans = JSON.parse(runOracle('spans.py', [], Buffer.concat(chunks)).toString()) as CollectedSpan[];
    this.#spans.push(...spans.map((span) => ({ ...span, from: BigInt(span.from), to: BigInt(span.to) })));
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  }
}

function byStart(a: CollectedSpan, b: CollectedSpan): number {
  return Number(a.from - b.from);
}

import type { Server, ServerUnaryCall, ServerWritableStream, sendUnaryData, UntypedHandleCall } from '@grpc/grpc-js';
import { service } from 'grpc-health-check';
import { GrpcStatus, quoted } from '../core/errors.js';

type ServingStatus = 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';

interface HealthRequest {
  readonly service: string;
}

interface HealthResponse {
  readonly status: ServingStatus;
}

type WatchCall = ServerWritableStream<HealthRequest, HealthResponse>;

/** The names under which the server as a whole is asked for. */
const WHOLE_SERVER = ['', 'sluice.v1.Inference', 'inference.GRPCInferenceService'];

/**
 * grpc.health.v1: Check, Watch and List, for the server as a whole ('' or the name of a service) and for each model by
 * its name. The protocol is grpc-health-check's; its implementation can neither forget a model nor end those who watch.
 */
export class HealthService {
  readonly #statuses = new Map<string, ServingStatus>();
  readonly #watchers = new Map<WatchCall, string>();

  constructor(server: Server) {
    this.setServing(false);
    server.addService(service, {
      check: ((call: ServerUnaryCall<HealthRequest, HealthResponse>, callback: sendUnaryData<HealthResponse>) => {
        const status = this.#statuses.get(call.request.service);
        if (status !== undefined) callback(null, { status });
        else callback({ code: GrpcStatus.NOT_FOUND, details: `nothing is known of ${quoted(call.request.service)}` });
      }) as UntypedHandleCall,
      watch: ((call: WatchCall) => this.#watch(call)) as UntypedHandleCall,
      list: ((_call: ServerUnaryCall<object, object>, callback: sendUnaryData<object>) => {
        const statuses = [...this.#statuses].map(([name, status]) => [name, { status }] as const);
        callback(null, { statuses: Object.fromEntries(statuses) });
      }) as UntypedHandleCall,
    });
  }

  setServing(serving: boolean): void {
    for (const name of WHOLE_SERVER) this.#set(name, serving ? 'SERVING' : 'NOT_SERVING');
  }

  /** Null: the model is gone. */
  setModelServing(model: string, serving: boolean | null): void {
    if (serving === null) this.#set(model, null);
    else this.#set(model, serving ? 'SERVING' : 'NOT_SERVING');
  }

  /** The models that have a status. */
  get models(): string[] {
    return [...this.#statuses.keys()].filter((name) => !WHOLE_SERVER.includes(name));
  }

  /** Ends every Watch: those who only watch must not hold up the end of the server. */
  endWatches(): void {
    for (const call of this.#watchers.keys()) call.end();
    this.#watchers.clear();
  }

  #set(name: string, status: ServingStatus | null): void {
    if (this.#statuses.get(name) === (status ?? undefined)) return;
    if (status === null) this.#statuses.delete(name);
    else this.#statuses.set(name, status);
    for (const [call, watched] of this.#watchers) {
      if (watched === name) call.write({ status: status ?? 'SERVICE_UNKNOWN' });
    }
  }

  #watch(call: WatchCall): void {
    const name = call.request.service;
    this.#watchers.set(call, name);
    call.on('cancelled', () => this.#watchers.delete(call));
    call.write({ status: this.#statuses.get(name) ?? 'SERVICE_UNKNOWN' });
  }
}

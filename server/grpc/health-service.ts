import type { Server } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';

/**
 * grpc.health.v1: Check, Watch and List. The service names are '' for the server as a whole, `sluice.v1.Inference` for
 * the same, and the name of each model.
 */
export class HealthService {
  readonly #health = new HealthImplementation();

  constructor(server: Server) {
    this.#health.addToServer(server);
    this.setServing(false);
  }

  setServing(serving: boolean): void {
    for (const service of ['', 'sluice.v1.Inference']) this.#health.setStatus(service, toStatus(serving));
  }

  /** Null: the model is gone. */
  setModelServing(model: string, serving: boolean | null): void {
    this.#health.setStatus(model, serving === null ? 'UNKNOWN' : toStatus(serving));
  }
}

function toStatus(serving: boolean): 'SERVING' | 'NOT_SERVING' {
  return serving ? 'SERVING' : 'NOT_SERVING';
}

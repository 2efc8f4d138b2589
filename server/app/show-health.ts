import type { ModelRepository } from '../core/model-repository.js';
import type { HealthService } from '../grpc/health-service.js';

/** Brings what gRPC health says of the server and its models up to date. */
export function showHealth(
  health: HealthService,
  repository: ModelRepository,
  ready: boolean,
  draining: boolean,
): void {
  health.setServing(ready);
  const serving = new Set(draining ? [] : repository.ready().map(({ name }) => name));
  const known = new Set(repository.index().flatMap(({ name, versions }) => (versions.length > 0 ? [name] : [])));
  for (const name of new Set([...health.models, ...known])) {
    health.setModelServing(name, known.has(name) ? serving.has(name) : null);
  }
}

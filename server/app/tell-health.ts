import type { ModelRepository } from '../core/model-repository.js';
import type { HealthService } from '../grpc/health-service.js';

/** Tells who asks for health of the server as a whole and of each model; of one that leaves, that nothing serves. */
export function tellHealth(
  health: HealthService,
  repository: ModelRepository,
  { ready, leaving }: { readonly ready: boolean; readonly leaving: boolean },
): void {
  health.setServing(ready);
  const serving = new Set(leaving ? [] : repository.ready().map(({ name }) => name));
  const known = new Set(repository.index().flatMap(({ name, versions }) => (versions.length > 0 ? [name] : [])));
  for (const name of new Set([...health.models, ...known])) {
    health.setModelServing(name, known.has(name) ? serving.has(name) : null);
  }
}

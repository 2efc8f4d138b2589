import type { ModelRepository } from '../core/model-repository.js';
import type { GrpcServer } from '../grpc/grpc-server.js';

/** Tells gRPC health of each model, by its name, whether it serves; nothing does while the server drains. */
export function tellModels(
  health: GrpcServer['health'],
  repository: Pick<ModelRepository, 'ready' | 'index'>,
  draining: boolean,
): void {
  const serving = new Set(draining ? [] : repository.ready().map(({ name }) => name));
  const known = new Set(repository.index().flatMap(({ name, versions }) => (versions.length > 0 ? [name] : [])));
  for (const name of new Set([...health.models, ...known])) {
    health.setModelServing(name, known.has(name) ? serving.has(name) : null);
  }
}

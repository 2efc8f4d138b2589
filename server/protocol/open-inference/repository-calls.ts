import { ServingError } from '../../core/errors.js';
import { requireExplicit, type ModelControl } from '../../core/model-control.js';
import type { ModelControlMode, ModelRepository } from '../../core/model-repository.js';
import type {
  RepositoryIndexRequest,
  RepositoryIndexResponse,
  RepositoryModelLoadRequest,
  RepositoryModelLoadResponse,
  RepositoryModelUnloadRequest,
  RepositoryModelUnloadResponse,
} from '../../gen/inference/grpc_service.js';

/** What the calls of the repository need of the server. */
export interface RepositoryContext {
  readonly repository: Pick<ModelRepository, 'index'>;
  readonly controlMode: ModelControlMode;
  readonly control: ModelControl;
}

/** The models on disk, and loading and unloading them. */
export function repositoryCalls({ repository, controlMode, control }: RepositoryContext) {
  return {
    repositoryIndex: ({ ready }: RepositoryIndexRequest): RepositoryIndexResponse => {
      const models = repository.index().flatMap(toIndex);
      return { models: ready ? models.filter(({ state }) => state === 'READY') : models };
    },
    repositoryModelLoad: async (request: RepositoryModelLoadRequest): Promise<RepositoryModelLoadResponse> => {
      requireExplicit(controlMode);
      await control.load(request.modelName, readOverride(request));
      return {};
    },
    // `unload_dependents` asks for what is done anyway: nothing else is loaded for a model's sake.
    repositoryModelUnload: async ({
      modelName,
    }: RepositoryModelUnloadRequest): Promise<RepositoryModelUnloadResponse> => {
      requireExplicit(controlMode);
      await control.unload(modelName);
      return {};
    },
  };
}

function toIndex({ name, versions }: ReturnType<ModelRepository['index']>[number]): RepositoryIndexResponse['models'] {
  return versions.map(({ version, state, reason }) => ({
    name,
    version: version === 0 ? '' : String(version),
    state,
    reason: reason ?? '',
  }));
}

/** The configuration that is to be used in place of the file's keys, as JSON; null: the file's. Throws INVALID_REQUEST. */
function readOverride({ parameters }: RepositoryModelLoadRequest): string | null {
  let override: string | null = null;
  for (const [name, { parameterChoice }] of Object.entries(parameters)) {
    if (name !== 'config') {
      const why = name.startsWith('file:')
        ? 'model files are only loaded from the repository'
        : `there is no parameter ${name}; config is the only one`;
      throw new ServingError('INVALID_REQUEST', why);
    }
    if (parameterChoice?.$case !== 'stringParam')
      throw new ServingError('INVALID_REQUEST', 'config must be text: JSON');
    override = parameterChoice.stringParam;
  }
  return override;
}

import { quoted, ServingError } from '../../core/errors.js';
import { requireExplicit, type ModelControl, type SentModel } from '../../core/model-control.js';
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
      await control.load(request.modelName, readSent(request));
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

/** What Triton's clients put in front of the path of a file. */
const FILE = 'file:';

/** What is to be loaded in place of what the repository has; null: nothing is sent. Throws INVALID_REQUEST. */
function readSent({ parameters }: RepositoryModelLoadRequest): SentModel | null {
  let config: string | null = null;
  const files = new Map<string, Uint8Array>();
  for (const [name, { parameterChoice: choice }] of Object.entries(parameters)) {
    if (name.startsWith(FILE)) {
      if (choice?.$case !== 'bytesParam') throw new ServingError('INVALID_REQUEST', `${quoted(name)} must be bytes`);
      files.set(name.slice(FILE.length), choice.bytesParam);
    } else if (name === 'config') {
      if (choice?.$case !== 'stringParam') throw new ServingError('INVALID_REQUEST', 'config must be text: JSON');
      config = choice.stringParam;
    } else {
      const why = `there is no parameter ${quoted(name)}; there are config and ${FILE}PATH`;
      throw new ServingError('INVALID_REQUEST', why);
    }
  }
  return config === null && files.size === 0 ? null : { config, files };
}

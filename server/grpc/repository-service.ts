import type { handleUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { ServingError } from '../core/errors.js';
import { requireExplicit } from '../core/model-control.js';
import type { ModelState as CoreModelState } from '../core/model-state.js';
import type { ModelRepository } from '../core/model-repository.js';
import { ModelState, type ModelVersion, type RepositoryServer } from '../gen/sluice/v1/repository.js';
import type { RepositoryContext } from '../protocol/open-inference/repository-calls.js';
import { forClient, type FaultLog } from '../protocol/client-error.js';
import { toStatus } from './status.js';

const STATES: Record<CoreModelState, ModelState> = {
  LOADING: ModelState.MODEL_STATE_LOADING,
  READY: ModelState.MODEL_STATE_READY,
  UNLOADING: ModelState.MODEL_STATE_UNLOADING,
  UNAVAILABLE: ModelState.MODEL_STATE_UNAVAILABLE,
};

export interface RepositoryServiceOptions extends RepositoryContext {
  readonly logFault: FaultLog;
}

/** The `Repository` service. Loading and unloading are open in the control mode `explicit` only. */
export function repositoryService({
  repository,
  controlMode,
  control,
  logFault,
}: RepositoryServiceOptions): RepositoryServer {
  const unary = <Request, Response>(
    answer: (request: Request) => Response | Promise<Response>,
  ): handleUnaryCall<Request, Response> => {
    return (call, callback: sendUnaryData<Response>) => {
      Promise.resolve()
        .then(() => answer(call.request))
        .then(
          (response) => callback(null, response),
          (cause: unknown) => callback(toStatus(forClient(ServingError.from(cause), logFault))),
        );
    };
  };
  return {
    listModels: unary(() => ({ models: repository.index().flatMap(toModelVersions) })),
    loadModel: unary(async ({ name }) => {
      requireExplicit(controlMode);
      await control.load(name, null);
      return {};
    }),
    unloadModel: unary(async ({ name }) => {
      requireExplicit(controlMode);
      await control.unload(name);
      return {};
    }),
  };
}

function toModelVersions({ name, versions }: ReturnType<ModelRepository['index']>[number]): ModelVersion[] {
  return versions.map(({ version, state, reason }) => ({
    name,
    version: version === 0 ? '' : String(version),
    state: STATES[state],
    reason: reason ?? '',
  }));
}

import { requireExplicit } from '../core/model-control.js';
import type { ModelState as CoreModelState } from '../core/model-state.js';
import type { ModelRepository } from '../core/model-repository.js';
import {
  ModelState,
  type ListModelsRequest,
  type ListModelsResponse,
  type LoadModelRequest,
  type LoadModelResponse,
  type ModelVersion,
  type RepositoryServer,
  type UnloadModelRequest,
  type UnloadModelResponse,
} from '../gen/sluice/v1/repository.js';
import type { RepositoryContext } from '../protocol/open-inference/repository-calls.js';
import type { FaultLog } from '../protocol/client-error.js';
import { unary } from './received.js';

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
export function repositoryService({ repository, controlMode, control, logFault }: RepositoryServiceOptions) {
  return {
    listModels: unary<ListModelsRequest, ListModelsResponse>(
      () => ({ models: repository.index().flatMap(toModelVersions) }),
      logFault,
    ),
    loadModel: unary<LoadModelRequest, LoadModelResponse>(async ({ name }) => {
      requireExplicit(controlMode);
      await control.load(name, null);
      return {};
    }, logFault),
    unloadModel: unary<UnloadModelRequest, UnloadModelResponse>(async ({ name }) => {
      requireExplicit(controlMode);
      await control.unload(name);
      return {};
    }, logFault),
  } satisfies Record<keyof RepositoryServer, unknown>;
}

function toModelVersions({ name, versions }: ReturnType<ModelRepository['index']>[number]): ModelVersion[] {
  return versions.map(({ version, state, reason }) => ({
    name,
    version: version === 0 ? '' : String(version),
    state: STATES[state],
    reason: reason ?? '',
  }));
}

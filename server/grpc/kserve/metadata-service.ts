import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Clock } from '../../core/clock.js';
import type { ModelRepository } from '../../core/model-repository.js';
import { modelMetadata } from '../../core/open-inference/model-metadata.js';
import { modelStatistics } from '../../core/open-inference/model-statistics.js';
import { tritonConfig } from '../../core/open-inference/triton-config.js';
import { readVersion } from '../../core/version-policy.js';
import type {
  ModelConfigRequest,
  ModelConfigResponse,
  ModelMetadataRequest,
  ModelMetadataResponse,
  ModelReadyRequest,
  ModelReadyResponse,
  ModelStatisticsRequest,
  ModelStatisticsResponse,
  ServerLiveResponse,
  ServerMetadataResponse,
  ServerReadyResponse,
} from '../../gen/inference/grpc_service.js';
import type { FaultLog } from '../../protocol/client-error.js';
import { unary } from './definition.js';

export interface MetadataContext {
  readonly repository: ModelRepository;
  readonly clock: Clock;
  /** Version of the server. */
  readonly serverVersion: string;
  /** Whether the server takes requests. */
  readonly ready: () => boolean;
  readonly logFault: FaultLog;
}

/** The parts of the protocol that go beyond its core, as Triton names them. */
const EXTENSIONS = ['classification', 'model_repository', 'model_configuration', 'parameters', 'statistics', 'logging'];

/** What the server and its models tell of themselves. */
export function metadataService(context: MetadataContext): UntypedServiceImplementation {
  const { repository, clock, serverVersion, ready, logFault } = context;
  return {
    serverLive: unary<object, ServerLiveResponse>(() => ({ live: true }), logFault),
    serverReady: unary<object, ServerReadyResponse>(() => ({ ready: ready() }), logFault),
    serverMetadata: unary<object, ServerMetadataResponse>(() => {
      return { name: 'sluice', version: serverVersion, extensions: EXTENSIONS };
    }, logFault),
    modelReady: unary<ModelReadyRequest, ModelReadyResponse>(({ name, version }) => {
      return { ready: repository.isReady(name, readVersion(version)) };
    }, logFault),
    modelMetadata: unary<ModelMetadataRequest, ModelMetadataResponse>(({ name, version }) => {
      using lease = repository.acquire(name, readVersion(version));
      return modelMetadata(lease.model, versionsOf(repository, name));
    }, logFault),
    modelConfig: unary<ModelConfigRequest, ModelConfigResponse>(({ name, version }) => {
      using lease = repository.acquire(name, readVersion(version));
      return { config: tritonConfig(lease.model) };
    }, logFault),
    modelStatistics: unary<ModelStatisticsRequest, ModelStatisticsResponse>(({ name, version }) => {
      const wanted = readVersion(version);
      // Throws where there is no such model, or no such version of it.
      if (name !== '') repository.acquire(name, wanted)[Symbol.dispose]();
      const models = repository
        .ready()
        .filter((model) => (name === '' || model.name === name) && (wanted === null || model.version === wanted));
      const now = { clock: clock.now(), epoch: Date.now() };
      return { modelStats: models.map((model) => modelStatistics(model, now)) };
    }, logFault),
  };
}

/** The versions of a model that serve now, ascending. */
function versionsOf(repository: ModelRepository, name: string): number[] {
  const ready = repository.ready().filter((model) => model.name === name);
  return ready.map(({ version }) => version).sort((a, b) => a - b);
}

import type { ModelRepository } from '../../core/model-repository.js';
import { modelMetadata } from '../../core/open-inference/model-metadata.js';
import { modelStatistics } from '../../core/open-inference/model-statistics.js';
import { tritonConfig } from '../../core/open-inference/triton-config.js';
import type { ServedMemory } from '../../core/shared-memory.js';
import { readVersion } from '../../core/version-policy.js';
import type { AskedStatistics, VersionStatistics } from '../../core/version-statistics.js';
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

export interface MetadataContext {
  readonly repository: ModelRepository;
  /** Version of the server. */
  readonly serverVersion: string;
  /** Whether the server takes requests. */
  readonly ready: () => boolean;
  /** What the models have done, in all processes of the server. */
  readonly modelStatistics: (asked: AskedStatistics) => Promise<readonly VersionStatistics[]>;
  /** Null: clients share none. */
  readonly sharedMemory: ServedMemory | null;
}

/** The parts of the protocol that go beyond its core, as Triton names them. */
const EXTENSIONS = [
  'classification',
  'sequence',
  'model_repository',
  'model_configuration',
  'parameters',
  'statistics',
  'logging',
  'trace',
];

/** What the server and its models tell of themselves. */
export function metadataCalls(context: MetadataContext) {
  const { repository, serverVersion, ready, sharedMemory } = context;
  return {
    serverLive: (): ServerLiveResponse => ({ live: true }),
    serverReady: (): ServerReadyResponse => ({ ready: ready() }),
    serverMetadata: (): ServerMetadataResponse => {
      const system = sharedMemory === null ? [] : ['system_shared_memory'];
      const cuda = sharedMemory?.cuda === true ? ['cuda_shared_memory'] : [];
      return { name: 'sluice', version: serverVersion, extensions: [...EXTENSIONS, ...system, ...cuda] };
    },
    modelReady: ({ name, version }: ModelReadyRequest): ModelReadyResponse => {
      return { ready: repository.isReady(name, readVersion(version)) };
    },
    modelMetadata: ({ name, version }: ModelMetadataRequest): ModelMetadataResponse => {
      using lease = repository.acquire(name, readVersion(version));
      return modelMetadata(lease.model, versionsOf(repository, name));
    },
    modelConfig: ({ name, version }: ModelConfigRequest): ModelConfigResponse => {
      using lease = repository.acquire(name, readVersion(version));
      return { config: tritonConfig(lease.model) };
    },
    modelStatistics: async ({ name, version }: ModelStatisticsRequest): Promise<ModelStatisticsResponse> => {
      const asked = { name, version: readVersion(version) };
      // Throws where there is no such model, or no such version of it.
      if (name !== '') repository.acquire(name, asked.version)[Symbol.dispose]();
      return { modelStats: (await context.modelStatistics(asked)).map(modelStatistics) };
    },
  };
}

/** The versions of a model that serve now, ascending. */
function versionsOf(repository: ModelRepository, name: string): number[] {
  const ready = repository.ready().filter((model) => model.name === name);
  return ready.map(({ version }) => version).sort((a, b) => a - b);
}

import type { CallGroup } from '../core/access/call-groups.js';

/** The group of every method that is served. A test holds it against the protocol files; what is not here is refused. */
export const METHOD_GROUPS: Readonly<Record<string, Readonly<Record<string, CallGroup>>>> = {
  'sluice.v1.Inference': {
    Detect: 'inference',
    Embed: 'inference',
    Classify: 'inference',
    Segment: 'inference',
  },
  'sluice.v1.Repository': {
    ListModels: 'model-repository',
    LoadModel: 'model-repository',
    UnloadModel: 'model-repository',
  },
  'inference.GRPCInferenceService': {
    ServerLive: 'health',
    ServerReady: 'health',
    ModelReady: 'health',
    ServerMetadata: 'metadata',
    ModelMetadata: 'metadata',
    ModelInfer: 'inference',
    ModelStreamInfer: 'inference',
    ModelConfig: 'model-config',
    ModelStatistics: 'statistics',
    RepositoryIndex: 'model-repository',
    RepositoryModelLoad: 'model-repository',
    RepositoryModelUnload: 'model-repository',
    SystemSharedMemoryStatus: 'shared-memory',
    SystemSharedMemoryRegister: 'shared-memory',
    SystemSharedMemoryUnregister: 'shared-memory',
    CudaSharedMemoryStatus: 'shared-memory',
    CudaSharedMemoryRegister: 'shared-memory',
    CudaSharedMemoryUnregister: 'shared-memory',
    TraceSetting: 'trace',
    LogSettings: 'logging',
  },
  'grpc.health.v1.Health': { Check: 'health', List: 'health', Watch: 'health' },
  'grpc.reflection.v1.ServerReflection': { ServerReflectionInfo: 'metadata' },
  'grpc.reflection.v1alpha.ServerReflection': { ServerReflectionInfo: 'metadata' },
};

/** Services and methods whose calls carry many requests: each of these counts against a client's limits by itself. */
const STREAMS_OF_REQUESTS = ['/sluice.v1.Inference/', '/inference.GRPCInferenceService/ModelStreamInfer'];

export interface MethodFacts {
  readonly group: CallGroup;
  /** Whether one call carries many requests. */
  readonly manyRequests: boolean;
}

/** By path: `/sluice.v1.Inference/Detect`. */
export const METHODS: ReadonlyMap<string, MethodFacts> = new Map(
  Object.entries(METHOD_GROUPS).flatMap(([service, methods]) =>
    Object.entries(methods).map(([name, group]) => {
      const path = `/${service}/${name}`;
      return [path, { group, manyRequests: STREAMS_OF_REQUESTS.some((prefix) => path.startsWith(prefix)) }];
    }),
  ),
);

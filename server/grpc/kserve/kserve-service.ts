import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { LogControl } from '../../core/log-level.js';
import type { RepositoryServiceOptions } from '../repository-service.js';
import { inferService } from './infer-service.js';
import type { InferStreamContext } from './infer-stream.js';
import { metadataService, type MetadataContext } from './metadata-service.js';
import { kserveRepositoryService } from './repository-service.js';
import { settingsService } from './settings-service.js';
import { sharedMemoryService } from './shared-memory-service.js';

/** What the open inference protocol needs of the server. */
export interface KserveOptions
  extends InferStreamContext, MetadataContext, Pick<RepositoryServiceOptions, 'controlMode' | 'control'> {
  readonly log: LogControl;
}

/** The service of the open inference protocol; KSERVE_DEFINITION says what it is called by. */
export function kserveService(options: KserveOptions): UntypedServiceImplementation {
  const { log, logFault } = options;
  return {
    ...inferService(options),
    ...metadataService(options),
    ...kserveRepositoryService(options),
    ...settingsService(log, logFault),
    ...sharedMemoryService(logFault),
  };
}

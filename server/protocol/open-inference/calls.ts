import type { LogControl } from '../../core/log-level.js';
import { logCalls } from './log-calls.js';
import { metadataCalls, type MetadataContext } from './metadata-calls.js';
import { repositoryCalls, type RepositoryContext } from './repository-calls.js';
import { sharedMemoryCalls } from './shared-memory-calls.js';
import { traceCalls, type TraceContext } from './trace-calls.js';

/** What the calls need of the server. */
export interface CallsContext
  extends MetadataContext, TraceContext, Pick<RepositoryContext, 'controlMode' | 'control'> {
  readonly log: LogControl;
}

/** The calls of the open inference protocol that do not infer, from message to message, for any door. They throw ServingErrors. */
export function openInferenceCalls(context: CallsContext) {
  return {
    ...metadataCalls(context),
    ...repositoryCalls(context),
    ...logCalls(context.log),
    ...traceCalls(context),
    ...sharedMemoryCalls(context.sharedMemory),
  };
}

export type OpenInferenceCalls = ReturnType<typeof openInferenceCalls>;

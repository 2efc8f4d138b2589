import type { Clock } from '../core/clock.js';
import type { InferenceResponse } from '../core/inference.js';
import type { ModelRepository } from '../core/model-repository.js';
import type { Model } from '../core/model.js';
import type { StatisticsSink } from '../core/statistics.js';
import type { Tracer } from '../core/tracer.js';
import type { FaultLog } from '../protocol/client-error.js';
import type { FinisherTools } from '../protocol/stream-protocol.js';
import type { CallOrigins } from './call-origins.js';
import type { StreamLimits } from './stream-settings.js';

/** What a session needs of the server. */
export interface SessionContext extends FinisherTools {
  readonly repository: ModelRepository;
  readonly clock: Clock;
  readonly limits: StreamLimits;
  readonly origins: Pick<CallOrigins, 'of'>;
  readonly statistics: StatisticsSink;
  /** Null: nothing is traced. */
  readonly tracer: Tracer | null;
  readonly logFault: FaultLog;
  /** Aborted when the server begins to shut down. */
  readonly draining: AbortSignal;
}

/** What a frame has got so far. */
export interface Inferred {
  readonly model: Model;
  readonly response: InferenceResponse;
}

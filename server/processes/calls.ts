import type { MetricSnapshot } from '../http/metrics.js';
import type { LogLevel } from '../core/log-level.js';
import type { ModelOverride } from '../core/model-override.js';
import type { RegionChoice, SharedRegion } from '../core/shared-memory.js';
import type { TraceChange, TraceChoices, TraceSettings } from '../core/trace-settings.js';
import type { RestAnswer, RestRequest } from '../core/open-inference/rest-exchange.js';
import type { AskedStatistics, VersionStatistics } from '../core/version-statistics.js';
import type { Readiness } from '../http/readiness.js';
import type { ServerReport } from '../http/server-status.js';
import type { TriedPicture } from '../http/try-routes.js';

/** What a process answers to. */
export interface ProcessCalls {
  readonly readiness: () => Readiness;
  readonly metrics: () => Promise<MetricSnapshot>;
  readonly report: () => ServerReport;
  /** What its own models have done. */
  readonly statistics: (asked: AskedStatistics) => readonly VersionStatistics[];
  /** Somebody tries a model with a picture. */
  readonly tryPicture: (picture: SentPicture) => Promise<object>;
  /** Somebody asks by the REST form of the open inference protocol. */
  readonly ask: (request: SentRequest) => Promise<SentAnswer>;
  /** Nobody waits for that any more. */
  readonly withdraw: (id: number) => void;
  readonly load: (model: ModelToLoad) => Promise<void>;
  readonly unload: (name: string) => Promise<void>;
  /** As ModelRepository has it. */
  readonly released: (name: string) => Promise<void>;
  readonly setLogLevel: (level: LogLevel) => void;
  /** In place of all that were made before. */
  readonly setTraces: (choices: TraceChoices) => void;
  /** As SharedMemoryControl has them. */
  readonly registerMemory: (region: SharedRegion) => Promise<void>;
  readonly unregisterMemory: (which: RegionChoice) => Promise<void>;
  /** Ends as it does on SIGTERM; the answer comes at once. */
  readonly drain: () => void;
}

/** A picture on its way to another process, and the number by which it can be called back. */
export interface SentPicture extends Omit<TriedPicture, 'picture'> {
  readonly id: number;
  /** Base64: what goes between processes is JSON. */
  readonly picture: string;
}

/** As SentPicture. */
export interface SentRequest extends Omit<RestRequest, 'body'> {
  readonly id: number;
  readonly body: string;
}

/** The answer on its way back. */
export interface SentAnswer extends Omit<RestAnswer, 'binary'> {
  readonly binary: readonly string[];
}

/** What the process that watches over the others answers to. */
export interface PrimaryCalls extends ClientCalls {
  /** The first call of a process: what is it to be? */
  readonly begin: () => Beginning;
  /** It takes connections at `host:port`. */
  readonly listening: (address: string) => void;
  /** All its models are READY or UNAVAILABLE; their names. */
  readonly started: (models: readonly string[]) => void;
  /** It cannot start, and why. */
  readonly failed: (message: string) => void;
}

/** What it does in all processes, as one of them has been asked to by a client. */
export interface ClientCalls {
  /** A client asks what the models of all processes have done. */
  readonly statistics: (asked: AskedStatistics) => Promise<readonly VersionStatistics[]>;
  /** A client wants a model to be loaded, or unloaded, in every process. */
  readonly load: (model: ModelToLoad) => Promise<void>;
  readonly unload: (name: string) => Promise<void>;
  /** A client wants every process to log from this severity on. */
  readonly setLogLevel: (level: LogLevel) => Promise<void>;
  /** As TraceControl has them. */
  readonly traceSettings: (model: string | null) => Promise<TraceSettings>;
  readonly updateTraces: (update: TraceUpdate) => Promise<void>;
  /** May one more request be traced, of those whose number is limited? */
  readonly spendTrace: (model: string | null) => boolean;
  /** A client shares memory with every process, or no longer. */
  readonly registerMemory: (region: SharedRegion) => Promise<void>;
  readonly unregisterMemory: (which: RegionChoice) => Promise<void>;
}

export interface TraceUpdate {
  /** Null: the server. */
  readonly model: string | null;
  readonly change: TraceChange;
}

export interface ModelToLoad {
  readonly name: string;
  /** What stands in place of what the repository has; null: nothing does. */
  readonly override: ModelOverride | null;
}

export interface Beginning {
  /** Number of the process, from 1. */
  readonly number: number;
  /** The gRPC port to open; 0: a free one. */
  readonly port: number;
  /** With the control mode explicit: the models to load. */
  readonly loadModel: readonly ModelToLoad[];
  /** Directory that models are written to which clients send. */
  readonly sentModels: string;
  readonly logLevel: LogLevel;
  readonly traces: TraceChoices;
  /** Shared memory that is registered. */
  readonly regions: readonly SharedRegion[];
}

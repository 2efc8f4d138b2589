import type { HttpOrigin } from '../tracer.js';

/** What the HTTP door asks of the open inference protocol. */
export type RestCall =
  | 'serverMetadata'
  | 'modelReady'
  | 'modelMetadata'
  | 'modelConfig'
  | 'modelStatistics'
  | 'infer'
  | 'repositoryIndex'
  | 'repositoryModelLoad'
  | 'repositoryModelUnload'
  | 'logSettings'
  | 'traceSetting'
  | 'systemSharedMemoryStatus'
  | 'systemSharedMemoryRegister'
  | 'systemSharedMemoryUnregister'
  | 'cudaSharedMemoryStatus'
  | 'cudaSharedMemoryRegister'
  | 'cudaSharedMemoryUnregister';

/** A request of the REST form of the protocol, whatever it came by. */
export interface RestRequest extends HttpOrigin {
  readonly call: RestCall;
  /** Empty: the path names none. */
  readonly model: string;
  /** As the path names it; empty: the newest ready one. */
  readonly version: string;
  /** Of shared memory; empty: the path names none. */
  readonly region: string;
  /** JSON, and the bytes of tensors behind it; not compressed. */
  readonly body: Uint8Array;
  /** `Inference-Header-Content-Length`, the bytes of JSON; null: the request does not say. */
  readonly headerLength: string | null;
  /** Null: the request names none. */
  readonly contentType: string | null;
}

/** The answer to a request that met no error. */
export interface RestAnswer {
  /** HTTP's. */
  readonly status: number;
  /** The JSON. */
  readonly text: string;
  /** Bytes of tensors that follow it; none: the answer is JSON alone. */
  readonly binary: readonly Uint8Array[];
}

/** Answers requests. Rejects with a ServingError that a client may see. */
export interface RestSource {
  /** When `signal` is aborted nobody waits any more: what is queued leaves the queue. */
  ask(request: RestRequest, signal: AbortSignal): Promise<RestAnswer>;
}

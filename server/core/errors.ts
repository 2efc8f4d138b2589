/** gRPC status codes, by name. Core speaks of them without importing gRPC. */
export const GrpcStatus = {
  OK: 0,
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

export type GrpcStatus = (typeof GrpcStatus)[keyof typeof GrpcStatus];

interface ErrorEntry {
  readonly status: GrpcStatus;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** One line for the reference. */
  readonly meaning: string;
}

/** Every error a client can meet. The reference (server/REFERENCE.md) is generated from this table. */
export const ERRORS = {
  MODEL_NOT_FOUND: {
    status: GrpcStatus.NOT_FOUND,
    retryable: false,
    meaning: 'The repository has no model of that name.',
  },
  VERSION_NOT_FOUND: {
    status: GrpcStatus.NOT_FOUND,
    retryable: false,
    meaning: 'The model has no such version, or its version policy does not serve it.',
  },
  MODEL_NOT_READY: {
    status: GrpcStatus.UNAVAILABLE,
    retryable: true,
    meaning: 'The model is loading, unloading, or failed to load; the message says which and why.',
  },
  SHUTTING_DOWN: {
    status: GrpcStatus.UNAVAILABLE,
    retryable: true,
    meaning: 'The server is draining; another replica can answer.',
  },
  INSTANCE_LOST: {
    status: GrpcStatus.UNAVAILABLE,
    retryable: true,
    meaning: 'The instance that held the request died or hung and is being replaced.',
  },
  QUEUE_FULL: {
    status: GrpcStatus.RESOURCE_EXHAUSTED,
    retryable: true,
    meaning: 'The model already has as many requests or bytes queued as its queue policy allows.',
  },
  CLIENT_LIMIT: {
    status: GrpcStatus.RESOURCE_EXHAUSTED,
    retryable: true,
    meaning: 'The client has as much in the server as one client may have at once; the message says which limit it is.',
  },
  DEVICE_OUT_OF_MEMORY: {
    status: GrpcStatus.RESOURCE_EXHAUSTED,
    retryable: true,
    meaning: 'The device had no memory left for the request or the model.',
  },
  DEVICE_LOST: {
    status: GrpcStatus.UNAVAILABLE,
    retryable: true,
    meaning: 'The GPU or its driver failed for good; the server ends, and another replica can answer.',
  },
  DEVICE_UNAVAILABLE: {
    status: GrpcStatus.FAILED_PRECONDITION,
    retryable: false,
    meaning: 'A model or memory is on a GPU and there is none that can be used; the message says what is missing.',
  },
  MESSAGE_TOO_LARGE: {
    status: GrpcStatus.RESOURCE_EXHAUSTED,
    retryable: false,
    meaning: 'A picture is over the limit on bytes or pixels.',
  },
  BAD_IMAGE: {
    status: GrpcStatus.INVALID_ARGUMENT,
    retryable: false,
    meaning: 'The picture cannot be decoded, or raw pixels do not fit their width, height and stride.',
  },
  INVALID_REQUEST: {
    status: GrpcStatus.INVALID_ARGUMENT,
    retryable: false,
    meaning: 'A field of the request is missing or out of range.',
  },
  BAD_REGION: {
    status: GrpcStatus.INVALID_ARGUMENT,
    retryable: false,
    meaning: 'A region is degenerate, not finite, or does not overlap the picture.',
  },
  SHARED_MEMORY_NOT_FOUND: {
    status: GrpcStatus.NOT_FOUND,
    retryable: false,
    meaning: 'No region of shared memory is registered under that name.',
  },
  SHARED_MEMORY_EXISTS: {
    status: GrpcStatus.ALREADY_EXISTS,
    retryable: false,
    meaning: 'A region of shared memory is registered under that name already.',
  },
  FRAME_DROPPED: {
    status: GrpcStatus.ABORTED,
    retryable: false,
    meaning: 'The stream asked for the latest frame only, and a newer one arrived while this one waited.',
  },
  CONFIG_INVALID: {
    status: GrpcStatus.FAILED_PRECONDITION,
    retryable: false,
    meaning: 'The model configuration has problems; the message lists all of them.',
  },
  MODEL_INVALID: {
    status: GrpcStatus.FAILED_PRECONDITION,
    retryable: false,
    meaning: 'The model file cannot be loaded, or its tensors do not fit its task.',
  },
  DEADLINE_EXCEEDED: {
    status: GrpcStatus.DEADLINE_EXCEEDED,
    retryable: false,
    meaning: 'The deadline passed while the request was queued; it never reached a device.',
  },
  CANCELLED: {
    status: GrpcStatus.CANCELLED,
    retryable: false,
    meaning: 'The client cancelled the request or went away.',
  },
  UNAUTHENTICATED: {
    status: GrpcStatus.UNAUTHENTICATED,
    retryable: false,
    meaning: 'The server asks for a token, and the call has none or one that it does not know.',
  },
  PERMISSION_DENIED: {
    status: GrpcStatus.PERMISSION_DENIED,
    retryable: false,
    meaning: 'The address does not serve such calls, or the token is not good for them.',
  },
  METHOD_UNKNOWN: {
    status: GrpcStatus.UNIMPLEMENTED,
    retryable: false,
    meaning: 'The server has no such method.',
  },
  TASK_NOT_SUPPORTED: {
    status: GrpcStatus.UNIMPLEMENTED,
    retryable: false,
    meaning: "The model's task does not answer this call: Embed on a detector, or landmarks without a template.",
  },
  INTERNAL: {
    status: GrpcStatus.INTERNAL,
    retryable: false,
    meaning: 'A fault of the server. The message is in its log under the id that the client was told.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** An error as plain data, as it crosses threads: an Error posted between threads would lose its code. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
}

/** The one error class of the server. Its message is meant for clients and says what to change. */
export class ServingError extends Error {
  override readonly name = 'ServingError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get status(): GrpcStatus {
    return ERRORS[this.code].status;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  /** The only converter of caught values. What is not a ServingError is a fault of ours: INTERNAL. */
  static from(cause: unknown): ServingError {
    if (cause instanceof ServingError) return cause;
    return new ServingError('INTERNAL', errorMessage(cause), { cause });
  }

  static fromData(data: ErrorData): ServingError {
    return new ServingError(data.code, data.message);
  }

  toData(): ErrorData {
    return { code: this.code, message: this.message };
  }
}

/** A code that came from outside, or INTERNAL where it is none of ours. */
export function errorCode(code: unknown): ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'INTERNAL';
}

/** Text of a client as a message shows it: quoted, and cut where it is long. */
export function quoted(text: string): string {
  return JSON.stringify(text.length <= 128 ? text : `${text.slice(0, 128)}...`);
}

/** The text of a caught value. */
export function errorMessage(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

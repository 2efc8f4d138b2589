import { ServingError } from '../core/errors.js';
import { TASK_KINDS, type TaskKind } from '../core/model-config.js';
import type { ModelRepository } from '../core/model-repository.js';
import type { StreamingCall } from '../core/statistics.js';
import { readVersion } from '../core/version-policy.js';
import { FramePolicy, type StreamOptions } from '../gen/sluice/v1/inference.js';
import type { StreamProtocol } from '../protocol/stream-protocol.js';

export interface StreamLimits {
  /** Frames in flight of a stream that names no window. */
  readonly defaultWindow: number;
  /** Most that a stream may ask for. */
  readonly maxWindow: number;
}

/** What a stream has settled on with its first message. */
export interface StreamSettings {
  readonly model: string;
  /** Null: the newest ready one, looked up for each frame. */
  readonly version: number | null;
  readonly policy: FramePolicy;
  /** Frames in flight. */
  readonly window: number;
}

/** The call that models of a kind answer. */
const CALLS: Record<TaskKind, StreamingCall | 'ModelInfer'> = {
  detect: 'Detect',
  embed: 'Embed',
  classify: 'Classify',
  segment: 'Segment',
  infer: 'ModelInfer',
};

type Call = Pick<StreamProtocol<unknown, unknown>, 'call' | 'kind'>;

/**
 * Settles a stream's options. Throws what ends the stream: INVALID_REQUEST, MODEL_NOT_FOUND, VERSION_NOT_FOUND,
 * MODEL_NOT_READY or TASK_NOT_SUPPORTED.
 */
export function chooseModel(
  options: StreamOptions | undefined,
  call: Call,
  repository: ModelRepository,
  limits: StreamLimits,
): StreamSettings {
  const model = options?.model ? options.model : onlyModel(call, repository);
  const version = readVersion(options?.version ?? '');
  using lease = repository.acquire(model, version);
  const { task } = lease.model.config;
  if (TASK_KINDS[task] !== call.kind) {
    throw new ServingError(
      'TASK_NOT_SUPPORTED',
      `model ${model} has the task ${task}; call ${CALLS[TASK_KINDS[task]]} instead of ${call.call}`,
    );
  }
  return { model, version, policy: readPolicy(options), window: readWindow(options?.window ?? 0, limits) };
}

function onlyModel(call: Call, repository: ModelRepository): string {
  const fitting = new Set(
    repository
      .ready()
      .filter(({ config }) => TASK_KINDS[config.task] === call.kind)
      .map(({ name }) => name),
  );
  const [only] = fitting;
  if (only !== undefined && fitting.size === 1) return only;
  if (fitting.size === 0 && repository.starting) {
    throw new ServingError(
      'MODEL_NOT_READY',
      `no model for ${call.call} is ready yet: the server is starting; ask again`,
    );
  }
  const choice = fitting.size === 0 ? 'none is ready' : `choose one of ${[...fitting].join(', ')}`;
  throw new ServingError('INVALID_REQUEST', `the stream's options name no model for ${call.call}; ${choice}`);
}

function readPolicy(options: StreamOptions | undefined): FramePolicy {
  const policy = options?.framePolicy ?? FramePolicy.FRAME_POLICY_UNSPECIFIED;
  switch (policy) {
    case FramePolicy.FRAME_POLICY_UNSPECIFIED:
    case FramePolicy.FRAME_POLICY_ORDERED:
      return FramePolicy.FRAME_POLICY_ORDERED;
    case FramePolicy.FRAME_POLICY_LATEST:
      return policy;
    default:
      throw new ServingError('INVALID_REQUEST', `frame_policy ${String(policy)} is not known; use ORDERED or LATEST`);
  }
}

function readWindow(window: number, limits: StreamLimits): number {
  if (window === 0) return limits.defaultWindow;
  if (window <= limits.maxWindow) return window;
  throw new ServingError('INVALID_REQUEST', `window ${window} is over ${limits.maxWindow}, the server's --max-window`);
}

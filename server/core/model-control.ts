import { ServingError } from './errors.js';
import type { ModelControlMode, ModelRepository } from './model-repository.js';

/** What a client sends to be loaded in place of what the repository has, until the model is loaded again. */
export interface SentModel {
  /** Keys of the configuration, as JSON; null: there are none. */
  readonly config: string | null;
  /** A model directory in place of the model's own: its files by their paths in it, such as `1/model.onnx`. None: its own. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Loads and unloads models, in this process or in all that the server has. */
export interface ModelControl extends Pick<ModelRepository, 'unload'> {
  /** As ModelRepository.load; `sent` null: the repository's. Throws INVALID_REQUEST where no directory can be made of the files. */
  load(name: string, sent: SentModel | null): Promise<void>;
}

/** Throws CONFIG_INVALID unless clients may load and unload models. */
export function requireExplicit(controlMode: ModelControlMode): void {
  if (controlMode === 'explicit') return;
  throw new ServingError(
    'CONFIG_INVALID',
    `models are loaded and unloaded by call only with --model-control-mode explicit; it is ${controlMode}`,
  );
}

import type { Logger } from 'pino';
import type { VersionStatus } from '../core/model-lifecycle.js';
import type { ConfigWarning } from '../core/repository-scan.js';

/** Logs what has become of a version; null: it is gone. */
export function logStatus(logger: Logger, name: string, status: VersionStatus | null): void {
  if (status === null) {
    logger.info({ model: name }, `a version of model ${name} is unloaded`);
    return;
  }
  const { version, state, reason } = status;
  const level = reason === null ? 'info' : 'error';
  logger[level]({ model: name, version, state, reason: reason ?? undefined }, `model ${name} is ${state}`);
}

/** Logs what of a configuration is not done as it says. */
export function logWarning(logger: Logger, model: string, { place, path, instead }: ConfigWarning): void {
  logger.warn({ model, place, field: path, instead }, `${path || place} is not done as it says: ${instead}`);
}

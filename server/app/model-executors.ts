import type { Logger } from 'pino';
import type { ServerOptions } from '../config/server-options.js';
import type { EngineStatistics } from '../core/engine-statistics.js';
import type { MessageRooms } from '../core/message-rooms.js';
import { PictureCalibrator } from '../runtime/calibration/picture-calibrator.js';
import { ModelExecutors } from '../runtime/model-executor.js';

/** What makes the executors of a process, as its options say. */
export function modelExecutors(
  { threads, maxPicturePixels, engineCache, engineCacheBytes }: ServerOptions,
  statistics: EngineStatistics,
  messageRooms: MessageRooms,
  logger: Logger,
  onDeviceLost: (why: string) => void,
): ModelExecutors {
  return new ModelExecutors({
    threads,
    maxPicturePixels,
    plans: {
      directory: engineCache,
      maxBytes: engineCacheBytes,
      calibrator: new PictureCalibrator({ threads, maxPicturePixels }),
      statistics,
      log: (level, model, message) => logger[level]({ model: model ?? undefined }, message),
    },
    messageRooms,
    onDeviceLost,
  });
}

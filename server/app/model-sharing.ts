import type { ServerOptions } from '../config/server-options.js';
import { RateLimiter } from '../core/rate-limiter.js';
import { ResponseCache } from '../core/response-cache.js';

/** What the models of a process share. */
export interface ModelSharing {
  /** Null: nobody waits for another. */
  readonly limiter: RateLimiter | null;
  /** Null: no answers are kept. */
  readonly responses: ResponseCache | null;
}

export function modelSharing({ rateLimit, rateLimitResource, responseCacheBytes }: ServerOptions): ModelSharing {
  return {
    limiter: rateLimit === 'off' ? null : new RateLimiter(rateLimitResource),
    responses: ResponseCache.create(responseCacheBytes),
  };
}

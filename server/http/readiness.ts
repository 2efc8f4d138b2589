import type { ModelState } from '../core/model-state.js';

/** Whether the server wants frames. The answer of `/readyz`, word for word. */
export interface Readiness {
  readonly ready: boolean;
  /** Why it is not ready, where no model is to blame (the server drains); else null. */
  readonly reason: string | null;
  /** The versions that should serve and do not; may hold some although the server is ready. */
  readonly not_ready: readonly {
    readonly model: string;
    readonly version: number;
    readonly state: ModelState;
    readonly reason: string | null;
  }[];
}

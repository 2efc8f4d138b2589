import type { ServedSize } from '../comparison.js';
import type { Step } from '../follow-sizes.js';
import type { OnnxModel } from '../graph.js';
import type { ImageInput } from '../image-input.js';

/** error: the model cannot be served so. warning: it can, less well, or only after a rewrite. info: good to know. */
export type Severity = 'error' | 'warning' | 'info';

/** Something that a rule has found in a model. */
export interface Finding {
  readonly rule: 'R2' | 'R3' | 'R4' | 'R5' | 'R18' | 'R20';
  readonly severity: Severity;
  /** The node as messages name it, or null where the finding is about the file or the graph. */
  readonly node: string | null;
  readonly message: string;
  /** What comes of it. */
  readonly why: string;
  /** What to do about it, or null where nothing has to be done. */
  readonly fix: string | null;
  /** Whether `applyFixes`, and the server when it loads the model, does it. */
  readonly fixable: boolean;
}

export interface DoctorContext {
  /** The size to be served, or null where neither the caller nor the file says one. */
  readonly size: ServedSize | null;
  /** The picture among the inputs, null where R4 has to tell that there is none. */
  readonly picture: ImageInput | null;
  /** The nodes that do not follow the served size by themselves; none where there is no picture or no size to follow. */
  readonly steps: readonly Step[];
}

/** Rules only look; they throw nothing and change nothing. */
export type Rule = (model: OnnxModel, context: DoctorContext) => Finding[];

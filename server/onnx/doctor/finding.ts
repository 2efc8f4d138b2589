import type { NodeProto } from '../../gen/onnx/onnx.js';
import type { Comparison, InputSize, Probe, ServedSize } from '../comparison.js';
import type { Step } from '../follow-sizes.js';
import type { OnnxModel } from '../graph.js';
import type { ImageInput } from '../image-input.js';

/** error: it cannot be served so, or TensorRT refuses it. warning: it can, less well. info: good to know. */
export type Severity = 'error' | 'warning' | 'info';

/** The numbers that the project's notes on exports give them. */
export type RuleName = `R${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15 | 16 | 17 | 18 | 19 | 20}`;

interface About {
  readonly rule: RuleName;
  readonly severity: Severity;
  readonly message: string;
  /** What comes of it. */
  readonly why: string;
  /** What to do about it, or null where nothing has to be done. */
  readonly fix: string | null;
}

/** What a rule says. */
export interface Observation extends About {
  /** The node that it is about, the first of several; null where it is about the file or the graph. */
  readonly node: NodeProto | null;
  /** Whether the server mends it when it loads the model; `applyFixes` does all that the server does. */
  readonly fixable: boolean;
}

/** Something that a rule has found in a model. */
export interface Finding extends About {
  /** The node as messages name it: operator and name. */
  readonly node: string | null;
  /** Where the node stands: its number among the nodes of its graph, and which graph that is. */
  readonly place: string | null;
  /** Whether `applyFixes` mends it. */
  readonly fixable: boolean;
  /** Whether the server does so too, when it loads the model. */
  readonly mendedAtLoad: boolean;
}

/**
 * What a model is to be served as, as far as it is known; what is left out is taken from the file. The size is that in
 * front of a Focus layer that was cut off.
 */
export interface DoctorOptions extends Partial<InputSize> {
  /** Widths and heights of the anchors of raw YOLO heads, in pixels, finest head first. @default those of YOLOv5 P5 or P6 */
  readonly anchors?: readonly number[];
  /** The files that weights are kept in outside the model file, by the name that it gives them. */
  readonly externalFiles?: ReadonlyMap<string, Uint8Array>;
  /** What the configuration of the model says. */
  readonly serving?: ServingPlan;
}

export interface ServingPlan {
  readonly task: string;
  /** Number of names in the labels file; 0 where there is none. */
  readonly labels: number;
  /** Whether pixels are scaled, shifted or divided before they go in. */
  readonly normalises: boolean;
  /** Whether 8 bits are asked for, and whether anything says how wide the values are. */
  readonly int8: boolean;
  readonly calibrated: boolean;
}

export interface DoctorContext {
  /** The size to be served, or null where neither the caller nor the file says one. */
  readonly size: ServedSize | null;
  /** The picture among the inputs, null where R4 has to tell that there is none. */
  readonly picture: ImageInput | null;
  /** The nodes that do not follow the served size by themselves; none where there is no picture or no size to follow. */
  readonly steps: readonly Step[];
  /** The graph as it is, at the sizes of the export and at those to be served; null like `steps`. */
  readonly comparison: Comparison | null;
  /** The graph as the server would make it, at the size to be served; null like `steps`. */
  readonly served: Probe | null;
  readonly options: DoctorOptions;
}

/** Rules only look; they throw nothing and change nothing. */
export type Rule = (model: OnnxModel, context: DoctorContext) => Observation[];

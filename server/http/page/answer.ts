/** The responses of the calls, in protobuf's JSON, as far as the page reads them: proto/sluice/v1/inference.proto. */

export interface FrameInfo {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly width: number;
  readonly height: number;
  readonly timings?: Timings;
}

/** Microseconds. */
export interface Timings {
  readonly queueUs: number;
  readonly decodeUs: number;
  readonly preprocessUs: number;
  readonly inferUs: number;
  readonly postprocessUs: number;
  readonly totalUs: number;
  readonly batchSize: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface ClassScore {
  readonly classId: number;
  readonly label: string;
  readonly score: number;
}

export interface Detection extends ClassScore {
  readonly box: Box;
  readonly landmarks: readonly Point[];
  readonly keyPoints: readonly (Point & { readonly score: number })[];
  readonly rotatedBox?: {
    readonly center: Point;
    readonly width: number;
    readonly height: number;
    readonly angle: number;
  };
  readonly mask?: {
    readonly width: number;
    readonly height: number;
    readonly runLengths: { readonly counts: readonly number[] };
  };
  readonly embedding?: Embedding;
  readonly classification?: { readonly classes: readonly ClassScore[] };
}

export interface Embedding {
  readonly values: readonly number[];
}

export interface Answer {
  readonly frame: FrameInfo;
  readonly detections?: readonly Detection[];
  readonly embeddings?: readonly Embedding[];
  readonly classifications?: readonly { readonly classes: readonly ClassScore[] }[];
  /** An 8-bit grey PNG in base64. */
  readonly classMap?: string;
  readonly classes?: readonly { readonly classId: number; readonly label: string; readonly pixels: number }[];
}

/** The name of a class, or its number where the model has no labels. */
export function className({ classId, label }: Pick<ClassScore, 'classId' | 'label'>): string {
  return label === '' ? `class ${classId}` : label;
}

export function normOf({ values }: Embedding): number {
  return Math.hypot(...values);
}

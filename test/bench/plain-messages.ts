/** Between PlainLoop and its workers. */

/** What a worker is made of. */
export interface PlainSpec {
  /** The model file, rewritten for the input size. */
  readonly model: Uint8Array;
  /** Side of the square network input in pixels. */
  readonly side: number;
  /** JPEG files, inferred in turn. */
  readonly pictures: readonly Uint8Array[];
}

/** Infers batches of this size until `milliseconds` have passed. */
export interface PlainOrder {
  readonly batch: number;
  readonly milliseconds: number;
}

/** What a worker has done. */
export interface PlainDone {
  readonly frames: number;
  /** From the order to the end of the last batch. */
  readonly milliseconds: number;
  /** Faces found in all frames: a loop that finds none does not do the work. */
  readonly faces: number;
}

/** Row-major 2x3 affine map between pixel grids whose centres lie at integers. */
export type Affine = readonly [number, number, number, number, number, number];

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A box in the pixels of a picture, which it may reach beyond. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Layouts of raw pixels, as the protocol names them. */
export type PixelFormat = 'rgb8' | 'bgr8' | 'gray8' | 'nv12';

/** A picture as it arrived. `bytes` aliases the received message: it moves to the worker that decodes it. */
export type Picture =
  | { readonly kind: 'encoded'; readonly bytes: Uint8Array }
  | ({ readonly kind: 'raw'; readonly bytes: Uint8Array } & PixelLayout);

export interface PixelLayout {
  readonly format: PixelFormat;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** Bytes from one row to the next. */
  readonly stride: number;
}

/** Part of a picture, in its pixels. */
export type Region =
  | {
      readonly kind: 'box';
      readonly left: number;
      readonly top: number;
      readonly right: number;
      readonly bottom: number;
    }
  /** x0 y0 .. x4 y4: left eye, right eye, nose, left and right mouth corner. */
  | { readonly kind: 'landmarks'; readonly points: readonly number[] };

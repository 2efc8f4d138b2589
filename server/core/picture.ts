/** Layouts of raw pixels, as the protocol names them. */
export type PixelFormat = 'rgb8' | 'bgr8' | 'gray8' | 'nv12';

/** A picture as it arrived. `bytes` aliases the received message: it moves to the worker that decodes it. */
export type Picture =
  | { readonly kind: 'encoded'; readonly bytes: Uint8Array }
  | ({ readonly kind: 'raw'; readonly bytes: Uint8Array } & PixelLayout);

/** A text, for models that read. */
export interface Text {
  readonly kind: 'text';
  readonly text: string;
}

/** What a request is about. */
export type Content = Picture | Text;

/** What a model that sees is given; whoever let a text through has failed to look. */
export function requirePicture(content: Content): Picture {
  if (content.kind !== 'text') return content;
  throw new Error('a model that takes pictures was given a text');
}

/** Bytes that waiting content holds. */
export function contentBytes(content: Content): number {
  return content.kind === 'text' ? Buffer.byteLength(content.text) : content.bytes.length;
}

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

import type { Tensor } from './tensors.js';

/** Layouts of raw pixels, as the protocol names them. */
export type PixelFormat = 'rgb8' | 'bgr8' | 'gray8' | 'nv12';

/** A picture as it arrived. `bytes` aliases the received message: it moves to the worker that decodes it. */
export type ReceivedPicture =
  | { readonly kind: 'encoded'; readonly bytes: Uint8Array }
  | ({ readonly kind: 'raw'; readonly bytes: Uint8Array } & PixelLayout);

/** A picture that an instance has decoded and kept, at its full size, in one memory or in both. */
export interface KeptPicture {
  readonly kind: 'kept';
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** Pixels that every thread sees; null: they are on a device only. */
  readonly host: (PixelLayout & { readonly bytes: Uint8Array }) | null;
  /** The memory of a GPU: its index, and what the GPU addon knows the picture as; null: they are not on one. */
  readonly device: { readonly index: number; readonly id: number } | null;
}

export type Picture = ReceivedPicture | KeptPicture;

/** A picture that stays until its holder releases it, once, when nobody uses it any more. */
export interface HeldPicture {
  readonly picture: KeptPicture;
  release(): void;
}

/**
 * What is to be kept of a picture. any: its pixels as they are, where they are. rgb: packed RGB in memory of the host,
 * beside what `any` keeps.
 */
export type Keep = 'any' | 'rgb';

/** A text, for models that read. */
export interface Text {
  readonly kind: 'text';
  readonly text: string;
}

/** Key points of objects, for models that look at nothing else: x y score of each, in the units of the model. */
export interface Points {
  readonly kind: 'points';
  /** One row an object. */
  readonly values: Float32Array;
}

/** The inputs of a model as they are, in its order. */
export interface Tensors {
  readonly kind: 'tensors';
  readonly tensors: readonly Tensor[];
}

/** What a request is about. */
export type Content = Picture | Text | Points | Tensors;

/** What a model that sees is given; whoever let something else through has failed to look. */
export function requirePicture(content: Content): Picture {
  if (content.kind !== 'text' && content.kind !== 'points' && content.kind !== 'tensors') return content;
  throw new Error(`a model that takes pictures was given ${content.kind}`);
}

/** Bytes that waiting content holds. A kept picture is its holder's, and bounded there. */
export function contentBytes(content: Content): number {
  switch (content.kind) {
    case 'text':
      return Buffer.byteLength(content.text);
    case 'points':
      return content.values.byteLength;
    case 'tensors':
      return content.tensors.reduce((sum, { data }) => sum + data.length, 0);
    case 'kept':
      return 0;
    default:
      return content.bytes.length;
  }
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

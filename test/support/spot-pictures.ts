import { PixelFormat, type RawPixels } from '../../clients/typescript/sluice-client.js';
import { SPOT_SIZE } from './tiny-models.js';

/** Pictures for `spotsModel`, and where in them it should find its spots. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A cell of the model's maps. */
export interface Cell {
  readonly column: number;
  readonly row: number;
}

export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Pixels a side of a cell, in the network input. */
const CELL = 4;

/** Picture to network input, both with pixel centres at integers: scale about the middle of both. */
function letterbox(picture: Size, input: Size) {
  const scale = Math.min(input.width / picture.width, input.height / picture.height);
  const shift = (from: number, to: number): number => -scale * from * 0.5 + to * 0.5 + scale * 0.5 - 0.5;
  return { scale, x: shift(picture.width, input.width), y: shift(picture.height, input.height) };
}

/** The pixels whose light makes up a cell, as edges: the first pixel, and the one after the last. */
export function pixelsOf({ column, row }: Cell, picture: Size, input: Size): Rectangle {
  const { scale, x, y } = letterbox(picture, input);
  const edge = (cells: number, shift: number): number => (cells * CELL - 0.5 - shift) / scale + 0.5;
  return { left: edge(column, x), top: edge(row, y), right: edge(column + 1, x), bottom: edge(row + 1, y) };
}

/** Where the model should find a spot that lights a cell, in the coordinates of the protocol. */
export function boxOf({ column, row }: Cell, picture: Size, input: Size): Rectangle {
  const { scale, x, y } = letterbox(picture, input);
  const place = (cell: number, side: number, shift: number): number =>
    ((cell + 0.5) * CELL + side * SPOT_SIZE - shift) / scale;
  return {
    left: place(column, -0.5, x),
    top: place(row, -0.5, y),
    right: place(column, 0.5, x),
    bottom: place(row, 0.5, y),
  };
}

/** The cells that the picture covers whole, row by row. */
export function cellsInside(picture: Size, input: Size): Cell[] {
  const cells: Cell[] = [];
  for (let row = 0; row < input.height / CELL; row++) {
    for (let column = 0; column < input.width / CELL; column++) {
      const { left, top, right, bottom } = pixelsOf({ column, row }, picture, input);
      const inside = left >= -0.01 && top >= -0.01 && right <= picture.width + 0.01 && bottom <= picture.height + 0.01;
      if (inside) cells.push({ column, row });
    }
  }
  return cells;
}

/** A black picture in which some rectangles are red, packed RGB; edges are rounded to whole pixels. */
export function redOnBlack({ width, height }: Size, rectangles: readonly Rectangle[], level = 255): RawPixels {
  const data = new Uint8Array(width * height * 3);
  for (const { left, top, right, bottom } of rectangles) {
    for (let y = Math.round(top); y < Math.round(bottom); y++) {
      for (let x = Math.round(left); x < Math.round(right); x++) data[(y * width + x) * 3] = level;
    }
  }
  return { format: PixelFormat.PIXEL_FORMAT_RGB8, width, height, data };
}

/** A picture that lights some cells. */
export function lightCells(picture: Size, input: Size, cells: readonly Cell[], level = 255): RawPixels {
  return redOnBlack(
    picture,
    cells.map((cell) => pixelsOf(cell, picture, input)),
    level,
  );
}

/** A picture of slow waves, different in each channel: whatever is sampled from it tells where it was taken. */
export function waves({ width, height }: Size): RawPixels {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      data[at] = 128 + 100 * Math.sin(x / 19 + y / 41);
      data[at + 1] = 128 + 100 * Math.cos(x / 31 - y / 23);
      data[at + 2] = 128 + 60 * Math.sin(x / 27) + 60 * Math.cos(y / 17);
    }
  }
  return { format: PixelFormat.PIXEL_FORMAT_RGB8, width, height, data };
}

/** Red, green and blue, 0 to 255. */
export type Colour = readonly [number, number, number];

/** Told apart by most eyes, and light enough to be seen on dark pictures; a dark edge goes around them. */
const COLOURS: readonly Colour[] = [
  [86, 180, 233],
  [230, 159, 0],
  [90, 220, 150],
  [240, 228, 66],
  [235, 130, 190],
  [255, 120, 80],
  [170, 160, 255],
  [220, 220, 220],
];

export function colourOf(classId: number): Colour {
  return COLOURS[classId % COLOURS.length]!;
}

export function cssColour(classId: number): string {
  return `rgb(${colourOf(classId).join(' ')})`;
}

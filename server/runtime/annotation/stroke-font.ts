/**
 * Letters as lines. Servers often have no fonts at all, and text that depends on them would then be empty boxes. A glyph
 * is 4 wide and 6 high; each of its strokes is a run of points, two digits each: x, then y from the top.
 */
const GLYPHS: Readonly<Record<string, string>> = {
  A: '0602204246 0444',
  B: '06003041423303 3344453606',
  C: '4130100105163645',
  D: '06003041453606',
  E: '40000646 0333',
  F: '400006 0333',
  G: '41301001051636454323',
  H: '0006 4046 0343',
  I: '1030 2026 1636',
  J: '2040 3035261605',
  K: '0006 4003 0346',
  L: '000646',
  M: '0600224046',
  N: '06004640',
  O: '103041453616050110',
  P: '06003041423303',
  Q: '103041453616050110 2446',
  R: '06003041423303 2346',
  S: '413010010213334445361605',
  T: '0040 2026',
  U: '000516364540',
  V: '002640',
  W: '0016223640',
  X: '0046 4006',
  Y: '002340 2326',
  Z: '00400646',
  '0': '103041453616050110 0541',
  '1': '112026 1636',
  '2': '01103041420646',
  '3': '01103041423313 334445361605',
  '4': '36300444',
  '5': '400003334445361605',
  '6': '4130100105163645443303',
  '7': '004016',
  '8': '103041423313020110 1304051636454433',
  '9': '0516364541301001021343',
  ' ': '',
  '.': '2526',
  ',': '2516',
  ':': '2122 2425',
  '-': '1333',
  _: '0646',
  '/': '4006',
  '#': '1016 3036 0242 0444',
  '%': '4006 1011 3536',
  '(': '30111536',
  ')': '10313516',
  '[': '30101636',
  ']': '10303616',
  '+': '0343 2125',
  '=': '0242 0444',
  "'": '2022',
  '!': '2024 2526',
  '?': '01103041422324 2526',
};

/** What has no glyph is an empty box. */
const MISSING = '0040460600';

const HEIGHT = 6;
const ADVANCE = 6;

/** Width of a text whose letters are `height` high. */
export function textWidth(text: string, height: number): number {
  return ((Array.from(text).length * ADVANCE - 2) * height) / HEIGHT;
}

/** A text as the data of an SVG path to be stroked; `left` and `top` are those of its first letter. Letters are capital. */
export function textPath(text: string, left: number, top: number, height: number): string {
  const scale = height / HEIGHT;
  const place = (origin: number, steps: number): string => (origin + steps * scale).toFixed(1);
  return Array.from(text.toUpperCase())
    .flatMap((letter, index) => {
      const strokes = Object.hasOwn(GLYPHS, letter) ? GLYPHS[letter]! : MISSING;
      return strokes.split(' ').map((stroke) => {
        const points = stroke.match(/../g) ?? [];
        const steps = points.map((point) => {
          const x = place(left, index * ADVANCE + Number(point[0]));
          return `${x} ${place(top, Number(point[1]))}`;
        });
        return steps.length === 0 ? '' : `M${steps.join('L')}`;
      });
    })
    .join('');
}

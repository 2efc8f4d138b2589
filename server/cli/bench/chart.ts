import type { Axis } from './axis.js';

/** One line of a chart. */
export interface Series {
  /** In the legend; null: it is not in it. */
  readonly label: string | null;
  readonly color: string;
  readonly dashed: boolean;
  readonly points: readonly ChartPoint[];
}

export interface ChartPoint {
  readonly x: number;
  readonly y: number;
  /** Written beside it; empty: nothing. */
  readonly note: string;
}

export interface ChartSpec {
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

const [WIDTH, HEIGHT] = [860, 520];
/** Of the plot inside the picture; the legend lies below. */
const PLOT = { left: 76, top: 48, right: 28, bottom: 64 };
const LEGEND_ROW = 20;
const FONT = 'font-family="system-ui, sans-serif"';

/** Draws a chart as the text of an SVG file. */
export function drawChart({ title, xTitle, yTitle, x, y, series }: ChartSpec): string {
  const legend = series.filter(({ label }) => label !== null);
  const height = HEIGHT + LEGEND_ROW * legend.length;
  const [right, bottom] = [WIDTH - PLOT.right, HEIGHT - PLOT.bottom];
  const atX = (value: number): string => (PLOT.left + x.place(value) * (right - PLOT.left)).toFixed(1);
  const atY = (value: number): string => (bottom - y.place(value) * (bottom - PLOT.top)).toFixed(1);
  const middle = { x: (PLOT.left + right) / 2, y: (PLOT.top + bottom) / 2 };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ${FONT}>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(PLOT.left, 28, title, 'font-size="17" font-weight="600" fill="#1b1f24"'),
    ...x.ticks.flatMap((tick) => [
      line(atX(tick), PLOT.top, atX(tick), bottom, '#e4e8ec'),
      text(atX(tick), bottom + 20, tickText(tick), 'font-size="12" fill="#57606a" text-anchor="middle"'),
    ]),
    ...y.ticks.flatMap((tick) => [
      line(PLOT.left, atY(tick), right, atY(tick), '#e4e8ec'),
      text(PLOT.left - 8, Number(atY(tick)) + 4, tickText(tick), 'font-size="12" fill="#57606a" text-anchor="end"'),
    ]),
    line(PLOT.left, bottom, right, bottom, '#57606a'),
    line(PLOT.left, PLOT.top, PLOT.left, bottom, '#57606a'),
    text(middle.x, bottom + 46, xTitle, 'font-size="13" fill="#1b1f24" text-anchor="middle"'),
    text(
      20,
      middle.y,
      yTitle,
      `font-size="13" fill="#1b1f24" text-anchor="middle" transform="rotate(-90 20 ${middle.y})"`,
    ),
    ...series.flatMap(({ points, color, dashed }) => {
      const path = points.map((point) => `${atX(point.x)},${atY(point.y)}`).join(' ');
      const dash = dashed ? ' stroke-dasharray="5 4"' : '';
      return [
        `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2"${dash}/>`,
        ...points.flatMap((point) => [
          `<circle cx="${atX(point.x)}" cy="${atY(point.y)}" r="3.5" fill="${dashed ? '#ffffff' : color}" stroke="${color}" stroke-width="1.5"/>`,
          ...(point.note === ''
            ? []
            : [
                text(
                  atX(point.x),
                  Number(atY(point.y)) - 8,
                  point.note,
                  `font-size="11" fill="${color}" text-anchor="middle"`,
                ),
              ]),
        ]),
      ];
    }),
    ...legend.flatMap(({ label, color, dashed }, row) => {
      const at = HEIGHT + row * LEGEND_ROW;
      return [
        line(PLOT.left, at, PLOT.left + 28, at, color, `stroke-width="2"${dashed ? ' stroke-dasharray="5 4"' : ''}`),
        text(PLOT.left + 36, at + 4, label!, 'font-size="13" fill="#1b1f24"'),
      ];
    }),
    '</svg>\n',
  ].join('\n');
}

/** `20,000`; small numbers with what digits they have. */
function tickText(value: number): string {
  return Number(value.toPrecision(6)).toLocaleString('en-US', { maximumFractionDigits: 6 });
}

type Place = number | string;

function line(x1: Place, y1: Place, x2: Place, y2: Place, color: string, more = ''): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${color}" ${more}/>`;
}

function text(x: Place, y: Place, content: string, attributes: string): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

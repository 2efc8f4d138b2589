import { shape, svgText } from './svg.js';

/** Pixels. */
const HEIGHT = 120;
const LEFT = 44;
const BOTTOM = 18;
const TOP = 8;
const RIGHT = 8;

/** A line of a plot: its name, its class in the style sheet, and the value of each point. */
export interface Line {
  readonly name: string;
  readonly className: string;
  readonly values: readonly number[];
}

/** What a plot shows: seconds at which the values were taken, the last one being now. */
export interface PlotData {
  readonly at: readonly number[];
  /** Seconds from the left edge to now. */
  readonly span: number;
  readonly lines: readonly Line[];
}

/** A plot over time with a title, the values of now, and those under the pointer. */
export class Plot {
  readonly #title: string;
  readonly #format: (value: number) => string;
  readonly #svg = shape('svg', { role: 'img' });
  readonly #reading = document.createElement('p');
  #data: PlotData = { at: [], span: 1, lines: [] };
  /** Of the pointer, from the left edge; null: it is elsewhere. */
  #pointer: number | null = null;

  /** Adds itself to `parent`. `format` writes a value with its unit. */
  constructor(parent: Element, title: string, format: (value: number) => string) {
    this.#title = title;
    this.#format = format;
    const figure = document.createElement('figure');
    const caption = document.createElement('figcaption');
    caption.textContent = title;
    this.#reading.className = 'reading';
    figure.append(caption, this.#reading, this.#svg);
    parent.append(figure);
    this.#svg.addEventListener('pointermove', (event) => this.#pointAt(event.offsetX));
    this.#svg.addEventListener('pointerleave', () => this.#pointAt(null));
    new ResizeObserver(() => this.#draw()).observe(this.#svg);
  }

  show(data: PlotData): void {
    this.#data = data;
    this.#draw();
  }

  #pointAt(pointer: number | null): void {
    this.#pointer = pointer;
    this.#draw();
  }

  #draw(): void {
    const { at, span, lines } = this.#data;
    const width = Math.max(this.#svg.clientWidth, LEFT + RIGHT + 1);
    const now = at.at(-1) ?? 0;
    const most = niceCeiling(Math.max(0, ...lines.flatMap(({ values }) => values.filter(Number.isFinite))));
    const x = (time: number): number => width - RIGHT - ((now - time) / span) * (width - LEFT - RIGHT);
    const y = (value: number): number => HEIGHT - BOTTOM - (value / most) * (HEIGHT - BOTTOM - TOP);
    const place = this.#pointer === null ? at.length - 1 : nearest(at, x, this.#pointer);

    const parts: SVGElement[] = [];
    for (const value of [0, most / 2, most]) {
      parts.push(shape('line', { class: 'grid', x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }));
      parts.push(svgText(this.#format(value), { class: 'axis', x: LEFT - 6, y: y(value) + 4, 'text-anchor': 'end' }));
    }
    parts.push(svgText(`−${spanText(span)}`, { class: 'axis', x: LEFT, y: HEIGHT - 3 }));
    parts.push(svgText('now', { class: 'axis', x: width - RIGHT, y: HEIGHT - 3, 'text-anchor': 'end' }));
    for (const { className, values } of lines) {
      parts.push(shape('path', { class: `line ${className}`, d: pathOf(at.map(x), values, y) }));
      const value = values[place] ?? NaN;
      if (Number.isFinite(value)) {
        parts.push(shape('circle', { class: `dot ${className}`, cx: x(at[place]!), cy: y(value), r: 3 }));
      }
    }
    if (this.#pointer !== null && at[place] !== undefined) {
      parts.push(shape('line', { class: 'pointer', x1: x(at[place]), x2: x(at[place]), y1: TOP, y2: HEIGHT - BOTTOM }));
    }
    this.#svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
    this.#svg.replaceChildren(...parts);
    this.#read(place, now - (at[place] ?? now));
  }

  #read(place: number, ago: number): void {
    const { lines } = this.#data;
    this.#reading.replaceChildren(
      ...lines.map(({ name, className, values }) => {
        const reading = document.createElement('span');
        reading.className = className;
        reading.textContent = `${name} ${this.#format(values[place] ?? NaN)}`;
        return reading;
      }),
      ...(this.#pointer === null ? [] : [`${Math.round(ago)} s ago`]),
    );
    this.#svg.setAttribute('aria-label', `${this.#title}: ${this.#reading.innerText}`);
  }
}

/** 1, 2 or 5 times a power of ten, at least `most`; 1 for nothing. */
function niceCeiling(most: number): number {
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((step) => step * power).find((value) => value >= most)!;
}

function nearest(at: readonly number[], x: (time: number) => number, pointer: number): number {
  let best = at.length - 1;
  at.forEach((time, place) => {
    if (Math.abs(x(time) - pointer) < Math.abs(x(at[best]!) - pointer)) best = place;
  });
  return best;
}

/** A line through the values, broken where there is none. */
function pathOf(xs: readonly number[], values: readonly number[], y: (value: number) => number): string {
  let drawing = false;
  return values
    .map((value, place) => {
      const command = drawing ? 'L' : 'M';
      drawing = Number.isFinite(value);
      return drawing ? `${command}${xs[place]!.toFixed(1)} ${y(value).toFixed(1)}` : '';
    })
    .join('');
}

function spanText(seconds: number): string {
  return seconds >= 60 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds)} s`;
}

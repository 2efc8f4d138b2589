import { markdownTable } from '../../server/config/markdown.js';
import { median, rounded } from './figures.js';

/** What a figure should be. */
export interface Aim {
  readonly is: 'at least' | 'at most';
  readonly value: number;
}

/** One figure of a benchmark: measured at least once, compared by its median. */
export interface Figure {
  readonly bench: string;
  readonly figure: string;
  /** What distinguishes it from the same figure elsewhere: size, window, batch ... */
  readonly at?: Readonly<Record<string, number | string>>;
  readonly unit: string;
  readonly runs: readonly number[];
  readonly aim?: Aim;
}

/** Prints figures as JSON lines on stdout as they come, and those that have an aim in a table on stderr at the end. */
export class Report {
  readonly #aimed: Figure[] = [];
  readonly #doubts: string[] = [];
  readonly #tables: string[] = [];

  add(figure: Figure): void {
    console.log(lineOf(figure));
    if (figure.aim !== undefined) this.#aimed.push(figure);
  }

  /** Tells on stderr what is being done. */
  progress(text: string): void {
    console.error(`# ${text}`);
  }

  /** Why some figures should not be believed; told below the table. */
  doubt(text: string): void {
    this.#doubts.push(text);
  }

  /** Figures that belong together, once more side by side; printed below those that have an aim. */
  table(title: string, header: readonly string[], rows: readonly (readonly string[])[]): void {
    this.#tables.push(`${title}\n\n${markdownTable(header, rows)}`);
  }

  summarize(): void {
    const rows = this.#aimed.map((figure) => {
      const { bench, figure: name, at, unit, runs, aim } = figure;
      const where = Object.entries(at ?? {}).map(([key, value]) => `${key} ${value}`);
      return [
        isReached(figure) ? 'yes' : 'NO',
        `${bench}: ${[name, ...where].join(', ')}`,
        `${rounded(median(runs))} ${unit}`,
        `${aim!.is} ${aim!.value}`,
        `${rounded(Math.min(...runs))} .. ${rounded(Math.max(...runs))}`,
      ];
    });
    const table = [['aim met', 'figure', 'median', 'aim', 'runs'], ...rows];
    const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
    console.error(
      `\n${table.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')).join('\n')}`,
    );
    for (const text of this.#tables) console.error(`\n${text}\n`);
    for (const doubt of this.#doubts) console.error(`! ${doubt}`);
  }
}

/** A figure as a line of JSON. */
export function lineOf(figure: Figure): string {
  const { bench, figure: name, at, unit, runs, aim } = figure;
  const aimed = aim === undefined ? {} : { aim: `${aim.is} ${aim.value}`, reached: isReached(figure) };
  const values = { unit, runs: runs.map(rounded), median: rounded(median(runs)) };
  return JSON.stringify({ bench, figure: name, ...at, ...values, ...aimed });
}

/** Whether the median is what it should be; true without an aim. */
export function isReached({ runs, aim }: Figure): boolean {
  if (aim === undefined) return true;
  const value = median(runs);
  return aim.is === 'at least' ? value >= aim.value : value <= aim.value;
}

import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { markdownTable } from '../../../server/config/markdown.js';
import { errorMessage } from '../../../server/core/errors.js';
import { loadNativeGpu } from '../../../server/runtime/native-gpu.js';
import { median, rounded } from '../figures.js';
import { isReached, lineOf, Report, type Figure } from '../report.js';

/** What the figures were measured on. */
export interface Machine {
  /** ISO 8601, to the second. */
  readonly date: string;
  readonly gpu: string;
  readonly driver: string;
  readonly cuda: string;
  readonly tensorrt: string;
  readonly node: string;
}

/** Throws DEVICE_UNAVAILABLE where there is nothing to measure. */
export function thisMachine(): Machine {
  const gpu = loadNativeGpu();
  const [device] = gpu.devices();
  const { cuda, tensorrt, driver } = gpu.info();
  const date = `${new Date().toISOString().slice(0, 19)}Z`;
  return { date, gpu: device?.name ?? '', driver, cuda, tensorrt, node: process.version };
}

/** A report that is also kept as files: DIRECTORY/DATE-GPU.jsonl, and the same as a table in Markdown. */
export class GpuReport extends Report {
  readonly #machine: Machine;
  readonly #file: string;
  readonly #figures: Figure[] = [];
  readonly #remarks: string[] = [];
  readonly #tables: string[] = [];
  #failures = 0;
  #written: Promise<void>;

  constructor(directory: string, machine: Machine) {
    super();
    this.#machine = machine;
    const gpu = machine.gpu.toLowerCase().replace(/[^a-z0-9]+/g, '-');
    this.#file = join(directory, `${machine.date.replace(/:/g, '')}-${gpu}`);
    this.#written = mkdir(directory, { recursive: true }).then(() => this.#append(JSON.stringify(machine)));
  }

  override add(figure: Figure): void {
    super.add(figure);
    this.#figures.push(figure);
    // As it comes: what is measured later may bring the machine down.
    this.#written = this.#written.then(() => this.#append(lineOf(figure)));
  }

  override table(title: string, header: readonly string[], rows: readonly (readonly string[])[]): void {
    super.table(title, header, rows);
    this.#tables.push(`${title}:`, markdownTable(header, rows));
  }

  override doubt(text: string): void {
    super.doubt(text);
    this.#remarks.push(text);
  }

  /** A figure that could not be measured, and why; the others go on. */
  failed(what: string, cause: unknown): void {
    this.#failures += 1;
    this.doubt(`${what} FAILED: ${errorMessage(cause)}`);
  }

  /** How many figures could not be measured. */
  get failures(): number {
    return this.#failures;
  }

  /** Resolves with the names of the files when all is in them. */
  async save(): Promise<string[]> {
    await this.#written;
    await writeFile(`${this.#file}.md`, this.#markdown());
    return [`${this.#file}.jsonl`, `${this.#file}.md`];
  }

  #append(line: string): Promise<void> {
    return appendFile(`${this.#file}.jsonl`, `${line}\n`);
  }

  #markdown(): string {
    const { date, gpu, driver, cuda, tensorrt, node } = this.#machine;
    const rows = this.#figures.map((figure) => {
      const { bench, figure: name, at, unit, runs, aim } = figure;
      const where = Object.entries(at ?? {}).map(([key, value]) => `${key} ${value}`);
      const spread = runs.length > 1 ? `${rounded(Math.min(...runs))} to ${rounded(Math.max(...runs))}` : '';
      const reached = aim === undefined ? '' : `${aim.is} ${aim.value}: ${isReached(figure) ? 'yes' : 'NO'}`;
      return [bench, [name, ...where].join(', '), `${rounded(median(runs))} ${unit}`, spread, reached];
    });
    const parts = [
      `# Measured on ${gpu}, ${date}`,
      `Driver ${driver}, CUDA ${cuda}, TensorRT ${tensorrt}, Node ${node}; by \`make bench-gpu\`.`,
      markdownTable(['bench', 'figure', 'median', 'runs', 'aim'], rows),
      ...this.#tables,
      ...this.#remarks.map((remark) => `- ${remark}`),
    ];
    return `${parts.join('\n\n')}\n`;
  }
}

import type { ServerStatus } from '../server-status.js';
import { byId, setOptions } from './dom.js';
import { KEPT_SECONDS, type LoadPoint, type StatusHistory } from './history.js';
import { brief, milliseconds } from './numbers.js';
import { Plot, type Line } from './plot.js';

/** Throughput, latency, queue and instances over the last minutes, of all models or of one. */
export class LoadPlots {
  readonly #history: StatusHistory;
  readonly #choice = byId<HTMLSelectElement>('plotted');
  readonly #throughput: Plot;
  readonly #latency: Plot;
  readonly #queue: Plot;
  readonly #instances: Plot;

  constructor(history: StatusHistory) {
    this.#history = history;
    const parent = byId('plots');
    this.#throughput = new Plot(parent, 'Requests a second', brief);
    this.#latency = new Plot(parent, 'Milliseconds to the answer', milliseconds);
    this.#queue = new Plot(parent, 'Requests that wait', brief);
    this.#instances = new Plot(parent, 'Busy instances', brief);
    this.#choice.addEventListener('change', () => this.#draw());
  }

  show({ models }: ServerStatus): void {
    setOptions(this.#choice, [['', 'all models'], ...models.map(({ name }) => [name, name] as const)]);
    this.#draw();
  }

  #draw(): void {
    const model = this.#choice.value;
    const points = this.#history.points((key) => model === '' || key.startsWith(`${model}/`));
    const at = points.map((point) => point.at);
    const span = Math.min(KEPT_SECONDS, Math.max(60, (at.at(-1) ?? 0) - (at[0] ?? 0)));
    const line = (name: string, className: string, value: (point: LoadPoint) => number): Line => {
      return { name, className, values: points.map(value) };
    };
    const show = (plot: Plot, ...lines: Line[]): void => plot.show({ at, span, lines });
    show(
      this.#throughput,
      line('answered', 'first', ({ answered }) => answered),
      line('failed', 'bad', ({ failed }) => failed),
    );
    show(
      this.#latency,
      line('p50', 'first', ({ median }) => median),
      line('p99', 'second', ({ p99 }) => p99),
    );
    show(
      this.#queue,
      line('now', 'first', ({ queued }) => queued),
    );
    show(
      this.#instances,
      line('busy', 'first', ({ busy }) => busy),
      line('of', 'second', ({ instances }) => instances),
    );
  }
}

import type { GpuFigures, ServerStatus } from '../server-status.js';
import { byId, KeyedRows, type Cell } from './dom.js';
import { brief } from './numbers.js';

/** The errors that requests have met lately. */
export class ErrorTable {
  readonly #rows = new KeyedRows(byId('errors'));

  show({ errors }: ServerStatus): void {
    this.#rows.show(
      errors.map(({ at, code, model, version, message, count }) => [
        JSON.stringify([code, model, version, message]),
        [
          { text: new Date(at).toLocaleTimeString(), className: 'name' },
          code,
          { text: model === null ? '–' : `${model} ${version}`, className: 'name' },
          { text: message, className: 'message' },
          { text: count.toLocaleString('en'), className: 'number' },
        ],
      ]),
    );
    byId('no-errors').hidden = errors.length > 0;
  }
}

/** What the driver tells of the GPUs; hidden where there are none. */
export class GpuTable {
  readonly #rows = new KeyedRows(byId('gpus'));

  show({ gpus }: ServerStatus): void {
    byId('gpu-section').hidden = gpus.length === 0;
    this.#rows.show(gpus.map((gpu) => [gpu.gpu, gpuCells(gpu)]));
  }
}

const GIB = 2 ** 30;

function gpuCells(gpu: GpuFigures): Cell[] {
  const { memory_used_bytes: used = NaN, memory_total_bytes: total = NaN } = gpu;
  const number = (text: string): Cell => ({ text, className: 'number' });
  return [
    `${gpu.gpu} ${gpu.name}`,
    number(`${brief((gpu.utilization ?? NaN) * 100)} %`),
    number(`${brief(used / GIB)} of ${brief(total / GIB)} GiB`),
    number(`${brief(gpu.power_watts ?? NaN)} W`),
    number(`${brief(gpu.temperature_celsius ?? NaN)} °C`),
  ];
}

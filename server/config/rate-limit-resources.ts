import type { ResourceLimit } from '../core/rate-limiter.js';
import { optionType, type OptionType } from './option-types.js';

const RESOURCE = /^([^:,]+):(\d+)(?::(\d+))?$/;

/** `NAME:COUNT[:DEVICE]` between commas, or by repeating the flag; the device is the index of a GPU. */
export function resourceLimits(): OptionType<readonly ResourceLimit[]> {
  return optionType<readonly ResourceLimit[]>(
    'NAME:COUNT[:DEVICE]',
    'NAME:COUNT or NAME:COUNT:DEVICE between commas, each once, the device the index of a GPU',
    (text) => {
      const limits = text.split(',').map((part) => readLimit(part.trim()));
      const keys = new Set(limits.map((limit) => JSON.stringify([limit?.name, limit?.device])));
      const good = limits.every((limit) => limit !== null);
      return good && keys.size === limits.length ? limits : undefined;
    },
    (limits) => limits.map(writeLimit).join(','),
  );
}

function readLimit(text: string): ResourceLimit | null {
  const [, name, count, device] = RESOURCE.exec(text) ?? [];
  if (name === undefined || !Number.isSafeInteger(Number(count)) || Number(count) === 0) return null;
  return { name, count: Number(count), device: device === undefined ? null : `GPU ${Number(device)}` };
}

function writeLimit({ name, count, device }: ResourceLimit): string {
  return `${name}:${count}${device === null ? '' : `:${device.slice('GPU '.length)}`}`;
}

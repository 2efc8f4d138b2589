import { ServingError } from '../../core/errors.js';
import type { ModelRepository } from '../../core/model-repository.js';
import type { ServedTraces, TraceChange, TraceSettings } from '../../core/trace-settings.js';
import type { TraceSettingRequest, TraceSettingResponse } from '../../gen/inference/grpc_service.js';

export interface TraceContext {
  readonly repository: ModelRepository;
  /** Null: nothing collects traces. */
  readonly traces: ServedTraces | null;
}

/** How much of what the server answers is traced, under Triton's names. */
export function traceCalls({ repository, traces }: TraceContext) {
  return {
    traceSetting: async ({ modelName, settings }: TraceSettingRequest): Promise<TraceSettingResponse> => {
      const model = modelName === '' ? null : modelName;
      if (model !== null) requireModel(repository, model);
      if (Object.keys(settings).length > 0) {
        const change = readChange(settings);
        if (traces === null) {
          const why = 'the server sends traces nowhere; start it with --trace-endpoint to have traces that can be set';
          throw new ServingError('TASK_NOT_SUPPORTED', why);
        }
        await traces.control.update(model, change);
      }
      return { settings: writeSettings((await traces?.control.settings(model)) ?? NOTHING) };
    },
  };
}

const NOTHING: TraceSettings = { enabled: false, ratio: 0, count: -1 };

/** Settings of Triton that are as they are, and why. */
const FIXED = {
  trace_mode: { value: 'opentelemetry', why: 'there is no other' },
  trace_file: { value: '', why: 'traces go to the collector that --trace-endpoint names' },
  log_frequency: { value: '0', why: 'no file is written; OTEL_BSP_SCHEDULE_DELAY says how often spans are sent' },
} as const;

const MOST_RATE = 0xffff_ffff;
const MOST_COUNT = 0x7fff_ffff;

/** Each setting that can be changed, from the texts that name its value. They throw INVALID_REQUEST. */
const READERS: Readonly<Record<string, (values: readonly string[]) => TraceChange>> = {
  trace_level: (values) => {
    const [level] = values;
    if (values.length === 1 && (level === 'OFF' || level === 'TIMESTAMPS')) return { enabled: level === 'TIMESTAMPS' };
    throw wrong('trace_level', 'OFF or TIMESTAMPS; tensors are not traced', values);
  },
  trace_rate: (values) => {
    const rate = wholeNumber(values, 0, MOST_RATE);
    if (rate === null) throw wrong('trace_rate', `0 (what clients ask for alone) to ${MOST_RATE}`, values);
    return { ratio: rate === 0 ? 0 : 1 / rate };
  },
  trace_count: (values) => {
    const count = wholeNumber(values, -1, MOST_COUNT);
    if (count === null) throw wrong('trace_count', `-1 (no limit) to ${MOST_COUNT}`, values);
    return { count };
  },
};

/** What a setting without a value gives up. */
const CLEARED: Readonly<Record<string, TraceChange>> = {
  trace_level: { enabled: null },
  trace_rate: { ratio: null },
  trace_count: { count: null },
};

function readChange(settings: TraceSettingRequest['settings']): TraceChange {
  let change: TraceChange = {};
  for (const [name, { value }] of Object.entries(settings)) {
    if (Object.hasOwn(FIXED, name)) checkFixed(name as keyof typeof FIXED, value);
    else if (!Object.hasOwn(READERS, name)) {
      const known = Object.keys(writeSettings(NOTHING)).join(', ');
      throw new ServingError('INVALID_REQUEST', `there is no setting ${name}; there are ${known}`);
    } else change = { ...change, ...(value.length === 0 ? CLEARED[name] : READERS[name]!(value)) };
  }
  return change;
}

function checkFixed(name: keyof typeof FIXED, values: readonly string[]): void {
  const { value, why } = FIXED[name];
  if (values.length === 0 || (values.length === 1 && values[0] === value)) return;
  throw new ServingError('INVALID_REQUEST', `${name} cannot be changed: ${why}`);
}

function wholeNumber([text = '', ...others]: readonly string[], least: number, most: number): number | null {
  const value = /^-?\d{1,10}$/.test(text) && others.length === 0 ? Number(text) : NaN;
  return value >= least && value <= most ? value : null;
}

function wrong(name: string, expected: string, values: readonly string[]): ServingError {
  return new ServingError('INVALID_REQUEST', `${name}: expected ${expected}; found ${values.join(', ')}`);
}

/** As Triton has them: of a share of requests the nearest "one of so many". */
function writeSettings({ enabled, ratio, count }: TraceSettings): TraceSettingResponse['settings'] {
  const fixed = Object.entries(FIXED).map(([name, { value }]) => [name, value]);
  const told: Record<string, string> = {
    trace_level: enabled ? 'TIMESTAMPS' : 'OFF',
    trace_rate: String(ratio === 0 ? 0 : Math.max(1, Math.round(1 / ratio))),
    trace_count: String(count),
    ...(Object.fromEntries(fixed) as Record<string, string>),
  };
  return Object.fromEntries(Object.entries(told).map(([name, value]) => [name, { value: [value] }]));
}

/** Throws where there is no such model; one that is not READY may be set as well. */
function requireModel(repository: ModelRepository, name: string): void {
  if (repository.index().some((model) => model.name === name)) return;
  repository.acquire(name, null)[Symbol.dispose]();
}

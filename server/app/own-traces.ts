import type { ServerOptions } from '../config/server-options.js';
import { TraceRules, type ServedTraces, type TraceSettings } from '../core/trace-settings.js';

/** What the options say of traces. */
export function traceSettings({ traceSampleRatio: ratio }: Pick<ServerOptions, 'traceSampleRatio'>): TraceSettings {
  return { enabled: true, ratio, count: -1 };
}

/** The settings of traces of a server that is this process alone. */
export function ownTraces(options: TraceSettings): ServedTraces {
  const rules = new TraceRules(options);
  return {
    policy: {
      settings: (model) => rules.settings(model),
      spend: (model, traced) => {
        if (rules.spend(model)) traced();
      },
    },
    control: {
      settings: async (model) => rules.settings(model),
      update: async (model, change) => rules.update(model, change),
    },
  };
}

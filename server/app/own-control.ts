import type { ModelControl } from '../core/model-control.js';
import type { ModelRepository } from '../core/model-repository.js';
import { Turns } from '../core/turns.js';
import type { SentModels } from './sent-models.js';

/** Loads and unloads models in a server of one process. */
export function ownControl(repository: ModelRepository, sentModels: SentModels): ModelControl {
  // Of loads that overtake one another nobody could tell which directory is needed. An unload ends a load that is under way.
  const turns = new Turns();
  const released = (name: string) => () => repository.released(name);
  return {
    load: async (name, sent) => {
      const override = sent === null ? null : await sentModels.write(name, sent);
      const load = (): Promise<void> => repository.load(name, override);
      await turns.take(name, () => sentModels.replace(name, override?.directory ?? null, load, released(name)));
    },
    unload: (name) => sentModels.replace(name, null, () => repository.unload(name), released(name)),
  };
}

import type { Reservations, TritonConfig } from './reservations.js';

/** Levels of priority that there may be. */
const MOST_LEVELS = 16;

/** How requests are grouped; of an ensemble, whose steps do that, which priorities it lets through. */
export function convertBatching(config: TritonConfig, notes: Reservations): object {
  if (config.ensemble_scheduling !== undefined) {
    return { ...queue(0, undefined), priority_levels: MOST_LEVELS, default_priority_level: MOST_LEVELS };
  }
  const { dynamic_batching: batching } = config;
  if (batching === undefined) return queue(0, undefined);
  const { default_queue_policy: policy, priority_levels: levels = 0, default_priority_level: level = 0 } = batching;
  const at = ['dynamic_batching'];
  if (levels > MOST_LEVELS)
    notes.add([...at, 'priority_levels'], `${MOST_LEVELS} is the most: later priorities count as ${MOST_LEVELS}.`);
  if (policy?.timeout_action === 'DELAY') {
    notes.add([...at, 'default_queue_policy', 'timeout_action'], 'What waits too long is refused.');
  }
  return {
    preferred_batch_size: batching.preferred_batch_size,
    max_queue_delay_microseconds: batching.max_queue_delay_microseconds ?? 0,
    preserve_ordering: batching.preserve_ordering ?? false,
    priority_levels: Math.min(levels || 1, MOST_LEVELS),
    default_priority_level: Math.min(level || 1, MOST_LEVELS),
    ...queue(policy?.max_queue_size ?? 0, policy?.default_timeout_microseconds),
  };
}

/** A queue has no limit but that of its bytes where the file says none. */
function queue(size: number, timeout: number | undefined): object {
  return { default_queue_policy: { max_queue_size: size, default_timeout_microseconds: timeout ?? 0 } };
}

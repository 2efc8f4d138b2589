import type { TrackerConfig } from '../tracking-config.js';
import { ByteTrack } from './byte-track.js';
import { DeepSort } from './deep-sort.js';
import { OcSort } from './oc-sort.js';
import type { Tracker } from './tracker.js';

const ALGORITHMS: Readonly<Record<TrackerConfig['algorithm'], new (config: TrackerConfig) => Tracker>> = {
  deepsort: DeepSort,
  bytetrack: ByteTrack,
  ocsort: OcSort,
};

/** A tracker of one stream, by the configuration's algorithm. */
export function createTracker(config: TrackerConfig): Tracker {
  return new ALGORITHMS[config.algorithm](config);
}

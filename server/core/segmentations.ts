import type { SegmentedClass } from '../gen/sluice/v1/inference.js';
import type { Attachment, ResultTable } from './inference.js';

/** What the protocol tells of a segmented picture: see SegmentResponse. */
export interface Segmentation {
  /** An 8-bit grey PNG. */
  readonly classMap: Uint8Array;
  /** The same; empty where it was not asked for. */
  readonly probabilityMap: Uint8Array;
  /** Those that the map has, those with most pixels first. */
  readonly classes: SegmentedClass[];
}

/** The maps are attached; the table has one row: the pixels of each class. */
export function readSegmentation({ values, attachments }: ResultTable, labels: readonly string[]): Segmentation {
  const [classMap, probabilityMap] = attachments;
  const classes = Array.from(values, (pixels, classId) => ({ classId, label: labels[classId] ?? '', pixels }))
    .filter(({ pixels }) => pixels > 0)
    .sort((a, b) => b.pixels - a.pixels || a.classId - b.classId);
  return { classMap: asFile(classMap), probabilityMap: asFile(probabilityMap), classes };
}

function asFile(map: Attachment | undefined): Uint8Array {
  return map instanceof Uint8Array ? map : new Uint8Array(0);
}

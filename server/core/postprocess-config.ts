import { z } from 'zod';
import type { TaskName } from './tasks.js';
import { poolingSchema } from './text-config.js';

/** The key `postprocess` of `config.yaml`. */

export const postprocessSchema = z
  .strictObject({
    score_threshold: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe('Default of the request option. Detectors and classifiers.'),
    nms_threshold: z.number().min(0).max(1).default(0.3).describe('Default of the request option. Detectors.'),
    nms_rule: z
      .enum(['fast', 'greedy'])
      .default('greedy')
      .describe(
        'fast: any better box of the class suppresses, even one suppressed itself. greedy: only boxes that stay suppress.',
      ),
    class_agnostic: z
      .boolean()
      .default(false)
      .describe('Boxes suppress overlapping ones of other classes too. Detectors.'),
    max_detections: z.int().min(1).max(10000).default(1000).describe('Most detections per frame; the best ones stay.'),
    score_activation: z
      .enum(['none', 'sigmoid'])
      .default('none')
      .describe(
        'sigmoid: the scores of the outputs are logits, which go through the logistic function. Tasks yolov5, yolox, ' +
          'yolov8 and its kin, yolov10, rtdetr, and retinaface and scrfd where they have several outputs; where they have ' +
          'one, its scores are logits anyway.',
      ),
    strides: z
      .array(z.int().min(1).max(1024))
      .min(1)
      .max(6)
      .optional()
      .describe(
        'Network pixels per cell of each level, in the order of the outputs; default: those of the task, mostly 8, 16, ' +
          '32. Tasks whose outputs have levels.',
      ),
    anchors: z
      .array(z.array(z.number().positive()).min(2))
      .min(1)
      .max(6)
      .optional()
      .describe(
        'For each of `strides`, width and height of its anchors in network pixels, one after the other; default: those ' +
          'that the model was published with. Tasks yolov5_raw, retinaface.',
      ),
    key_points: z
      .int()
      .min(0)
      .max(1000)
      .optional()
      .describe(
        'Points of each object; default: 17 for task yolov8_pose, none for yolov10, all that there are for alphapose and ' +
          'heatmap_pose. Tasks with key points.',
      ),
    top_k: z
      .int()
      .min(1)
      .max(65_536)
      .default(5)
      .describe('Default of the request option: most classes of a region. Classifiers.'),
    activation: z
      .enum(['none', 'softmax', 'sigmoid'])
      .default('none')
      .describe(
        'What turns the scores that the model tells into probabilities; none: they are. Classifiers and segmentation.',
      ),
    pooling: poolingSchema,
    peak_refinement: z
      .enum(['none', 'quarter'])
      .default('quarter')
      .describe(
        'How the peak of a heat map becomes a point: its cell, or a quarter of a cell towards the higher neighbour. Task ' +
          'heatmap_pose.',
      ),
    first_key_point: z
      .int()
      .min(0)
      .max(1000)
      .default(0)
      .describe('Of the points that the model tells, how many to leave out in front. Poses.'),
    normalize: z.boolean().default(true).describe('Scale embeddings to unit length. Embedders.'),
  })
  .describe('How output tensors become results.');

/** The tasks that read what others have no use for. */
const READ_BY: Readonly<Record<'score_activation' | 'strides' | 'anchors' | 'key_points', readonly TaskName[]>> = {
  score_activation: [
    'yolov5',
    'yolox',
    'yolov8',
    'yolov8_seg',
    'yolov8_pose',
    'yolov8_obb',
    'yolov10',
    'rtdetr',
    'retinaface',
    'scrfd',
  ],
  strides: ['yolov5_raw', 'yolox_raw', 'yolov8', 'yolov8_seg', 'yolov8_pose', 'yolov8_obb', 'retinaface', 'scrfd'],
  anchors: ['yolov5_raw', 'retinaface'],
  key_points: ['yolov8_pose', 'yolov10', 'alphapose', 'heatmap_pose'],
};

interface WithPostprocess {
  readonly task: TaskName;
  readonly postprocess: z.output<typeof postprocessSchema>;
}

/** A check across fields: keys that the task has no use for. */
export function meaningProblems({ task, postprocess }: WithPostprocess): [path: PropertyKey[], message: string][] {
  const given = { ...postprocess, score_activation: postprocess.score_activation === 'sigmoid' ? true : undefined };
  return Object.entries(READ_BY).flatMap(([key, tasks]): [PropertyKey[], string][] =>
    given[key as keyof typeof READ_BY] === undefined || tasks.includes(task)
      ? []
      : [[['postprocess', key], `has no meaning with task ${task}: remove it`]],
  );
}

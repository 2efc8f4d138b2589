import type { TaskName } from './tasks.js';

/**
 * What each family of models was published with: the values of keys that a config.yaml of the task leaves out. Constants of
 * the authors' own code; where the seed library has others, the authors' are here.
 */

/** Sections of a config.yaml, keys and values as it has them. */
export interface TaskProfile {
  readonly preprocess?: Readonly<Record<string, unknown>>;
  readonly postprocess?: Readonly<Record<string, unknown>>;
}

const BYTES_TO_ONE = 1 / 255;

const IMAGENET = {
  color: 'rgb',
  scale: BYTES_TO_ONE,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

/** As Ultralytics and YOLOv5 to v7 prepare pictures. */
const ULTRALYTICS = { resize: 'letterbox_rounded', color: 'rgb', pad: 114, scale: BYTES_TO_ONE };

/** As YOLOX prepares pictures since its version 0.1.1: levels as they are. */
const YOLOX = { resize: 'letterbox_top_left', color: 'bgr', pad: 114 };

const USUAL_THRESHOLDS = { score_threshold: 0.25, nms_threshold: 0.5 };

/** Of CenterNet, and of DBFace, which took it over. */
const CENTERNET = {
  color: 'bgr',
  scale: BYTES_TO_ONE,
  mean: [0.408, 0.447, 0.47],
  std: [0.289, 0.274, 0.278],
};

const ULTRALYTICS_PROFILE: TaskProfile = { preprocess: ULTRALYTICS, postprocess: USUAL_THRESHOLDS };

export const TASK_PROFILES: Readonly<Partial<Record<TaskName, TaskProfile>>> = {
  yolov5: ULTRALYTICS_PROFILE,
  yolox: { preprocess: YOLOX, postprocess: USUAL_THRESHOLDS },
  yolov5_raw: { preprocess: { ...ULTRALYTICS, focus: true }, postprocess: USUAL_THRESHOLDS },
  yolox_raw: { preprocess: { ...YOLOX, focus: true }, postprocess: USUAL_THRESHOLDS },
  yolov8: ULTRALYTICS_PROFILE,
  yolov8_seg: ULTRALYTICS_PROFILE,
  yolov8_pose: ULTRALYTICS_PROFILE,
  yolov8_obb: ULTRALYTICS_PROFILE,
  yolov10: ULTRALYTICS_PROFILE,
  centernet: { preprocess: CENTERNET, postprocess: USUAL_THRESHOLDS },
  dbface: { preprocess: CENTERNET, postprocess: { score_threshold: 0.4, nms_threshold: 0.3 } },
  rtdetr: {
    preprocess: { resize: 'stretch', color: 'rgb', scale: BYTES_TO_ONE },
    postprocess: { score_threshold: 0.25 },
  },
  efficient_nms: { preprocess: ULTRALYTICS, postprocess: { score_threshold: 0.25 } },
  retinaface: {
    preprocess: { color: 'bgr', mean: [104, 117, 123] },
    postprocess: { score_threshold: 0.5, nms_threshold: 0.4 },
  },
  scrfd: {
    preprocess: { resize: 'letterbox_top_left', color: 'rgb', mean: [127.5, 127.5, 127.5], std: [128, 128, 128] },
    postprocess: { score_threshold: 0.5, nms_threshold: 0.4 },
  },
  alphapose: {
    preprocess: {
      crop: { rule: 'alphapose' },
      color: 'rgb',
      pad: 127,
      scale: BYTES_TO_ONE,
      mean: [0.406, 0.457, 0.48],
    },
  },
  // All three states are told.
  fall: { postprocess: { score_threshold: 0 } },
  heatmap_pose: { preprocess: { ...IMAGENET, crop: { rule: 'aspect', scale: 1.25 } } },
  arcface: {
    preprocess: {
      color: 'rgb',
      scale: BYTES_TO_ONE,
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
      alignment: 'arcface_112',
    },
  },
  classification: { preprocess: { resize: 'stretch', ...IMAGENET }, postprocess: { score_threshold: 0 } },
  text_classification: { postprocess: { score_threshold: 0 } },
  segmentation: { preprocess: { color: 'rgb', pad: 128, scale: BYTES_TO_ONE } },
};

/**
 * A configuration as it was written, completed by the profile of its task. What is no mapping, or has no known task, is
 * left as it is: the schema says what is wrong with it.
 */
export function withProfile(written: unknown): unknown {
  if (!isMapping(written)) return written;
  const { task } = written;
  const profile = typeof task === 'string' && Object.hasOwn(TASK_PROFILES, task) ? TASK_PROFILES[task as TaskName] : {};
  const sections = Object.entries(profile ?? {}).map(([name, defaults]) => [name, completed(written[name], defaults)]);
  return { ...written, ...Object.fromEntries(sections) };
}

function completed(section: unknown, defaults: Readonly<Record<string, unknown>>): unknown {
  if (section === undefined) return defaults;
  if (!isMapping(section)) return section;
  const filled: Record<string, unknown> = { ...defaults, ...section };
  // The profile's crop keeps the aspect ratio by itself: whoever wants another resize wants no crop.
  if (section['resize'] !== undefined && section['crop'] === undefined) delete filled['crop'];
  return filled;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Which call each task answers. */
const KINDS = {
  centerface: 'detect',
  yolov5: 'detect',
  yolox: 'detect',
  yolov5_raw: 'detect',
  yolox_raw: 'detect',
  yolov8: 'detect',
  yolov8_seg: 'detect',
  yolov8_pose: 'detect',
  yolov8_obb: 'detect',
  yolov10: 'detect',
  centernet: 'detect',
  dbface: 'detect',
  rtdetr: 'detect',
  efficient_nms: 'detect',
  retinaface: 'detect',
  scrfd: 'detect',
  embedding: 'embed',
} as const;

/** What a model's tensors mean. */
export type TaskName = keyof typeof KINDS;

export const TASKS = Object.keys(KINDS) as [TaskName, ...TaskName[]];

/** Which call a task answers. */
export const TASK_KINDS: Readonly<Record<TaskName, 'detect' | 'embed'>> = KINDS;

/** Which call a task answers. */
export type TaskKind = 'detect' | 'embed' | 'classify' | 'segment' | 'infer';

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
  alphapose: 'detect',
  heatmap_pose: 'detect',
  embedding: 'embed',
  arcface: 'embed',
  text_embedding: 'embed',
  classification: 'classify',
  text_classification: 'classify',
  segmentation: 'segment',
  fall: 'classify',
  pipeline: 'detect',
  tensors: 'infer',
  ensemble: 'infer',
} as const satisfies Record<string, TaskKind>;

/** What a model's tensors mean. */
export type TaskName = keyof typeof KINDS;

export const TASKS = Object.keys(KINDS) as [TaskName, ...TaskName[]];

export const TASK_KINDS = KINDS;

/** Tasks that answer Detect for one object at a time, given as a region. */
export const TASKS_OF_REGIONS: ReadonlySet<TaskName> = new Set<TaskName>(['alphapose', 'heatmap_pose']);

/** What a task's requests are about; points: key points, which only pipelines hand over. */
export type TaskInput = 'picture' | 'text' | 'points' | 'tensors';

export const TASK_INPUTS = Object.fromEntries(TASKS.map((task) => [task, inputOf(task)])) as Readonly<
  Record<TaskName, TaskInput>
>;

function inputOf(task: TaskName): TaskInput {
  if (task === 'tensors' || task === 'ensemble') return 'tensors';
  if (task === 'fall') return 'points';
  return task.startsWith('text_') ? 'text' : 'picture';
}

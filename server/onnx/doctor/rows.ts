import type { OnnxModel } from '../graph.js';
import { isOneMap, rowPlan, strideSize, type NamedShape } from '../yolo-heads.js';
import type { InputSize } from '../comparison.js';
import { faceHeads } from './face-heads.js';
import type { DoctorContext, Observation } from './finding.js';
import { servedOutputs } from './steps.js';

const about = { rule: 'R8', node: null, fixable: false } as const;
const FEWEST_VALUES = 5;
/** Tasks whose rows have an objectness between box and classes. */
const WITH_OBJECTNESS: ReadonlySet<string> = new Set(['yolov5', 'yolox', 'yolov5_raw', 'yolox_raw']);
const CLASSES_ALONE: ReadonlySet<string> = new Set(['yolov8']);

/** R8: the rows of a detector are those of its strides, and its classes those of the labels. */
export function checkRows(model: OnnxModel, context: DoctorContext): Observation[] {
  if (context.size === null || faceHeads(model, context) !== null) return [];
  const size = strideSize(context.size);
  return servedOutputs(model, context).flatMap((output) => {
    const table = tableOf(output, size);
    return table === null ? [] : [...checkCount(table, size), ...checkClasses(table, context)];
  });
}

interface Table {
  readonly name: string;
  readonly rows: number;
  readonly values: number;
  /** Whether values come before rows. */
  readonly upright: boolean;
}

/** An output that looks like the rows of a detector: more of them than cells of the finest usual stride. */
function tableOf({ name, shape }: NamedShape, size: InputSize): Table | null {
  const [, first, second] = shape ?? [];
  if (shape?.length !== 3 || first == null || second == null) return null;
  const table =
    first >= second
      ? { name, rows: first, values: second, upright: false }
      : { name, rows: second, values: first, upright: true };
  const fewest = Math.floor(size.width / 8) * Math.floor(size.height / 8);
  return table.values >= FEWEST_VALUES && table.rows > fewest && fewest > 1 ? table : null;
}

function checkCount({ name, rows, values, upright }: Table, size: InputSize): Observation[] {
  const plan = rowPlan(rows, size);
  const at = `at ${size.width}x${size.height}`;
  if (plan === null && isOneMap(rows, size)) return [];
  if (plan === null) {
    return [
      {
        ...about,
        severity: 'warning',
        message: `output '${name}' has ${rows} rows, which no detector of strides 8, 16, 32 and 64 has ${at}`,
        why: 'A decoder that computes the cells of a row by itself would put boxes in the wrong places.',
        fix: 'Export it for the size to be served; see that the task fits the network.',
      },
    ];
  }
  const family = upright
    ? 'YOLOv8 and 11'
    : { 1: 'YOLOX, or YOLOv8 transposed', 2: 'RetinaFace and SCRFD' }[plan.perCell];
  return [
    {
      ...about,
      severity: 'info',
      message:
        `output '${name}' has ${rows} rows of ${values}: ${plan.perCell} a cell at strides ${plan.strides.join(', ')} ${at}, ` +
        `as ${family ?? 'YOLOv3, 5 and 7'}`,
      why: 'It tells which task fits.',
      fix: null,
    },
  ];
}

function checkClasses({ name, values }: Table, { options }: DoctorContext): Observation[] {
  const { task = '', labels = 0 } = options.serving ?? {};
  const others = WITH_OBJECTNESS.has(task) ? 5 : CLASSES_ALONE.has(task) ? 4 : null;
  if (others === null || labels === 0 || labels === values - others) return [];
  return [
    {
      ...about,
      severity: 'warning',
      message: `output '${name}' has ${values - others} classes, and the labels file ${labels} names`,
      why: 'Detections would be called by the wrong name, or by none.',
      fix: 'Put the names of the network into the labels file, one a line, in its order.',
    },
  ];
}

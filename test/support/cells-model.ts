import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { encodeModel } from '../../server/onnx/model-file.js';
import { floatTensor, int64Tensor } from '../../server/onnx/tensor.js';

/** Side of a cell of `cellsModel`, and of the boxes that it finds unless told, in pixels of its input. */
export const CELL_SIZE = 8;

/** How the outputs are laid out; names of tasks. */
export type CellsLayout = 'yolov5' | 'yolov8' | 'yolov8_pose' | 'yolov8_obb';

/** A value of each cell: what it is where the picture is black, what a channel adds, and where it lies. */
interface Plane {
  readonly bias: number;
  readonly channel?: number;
  readonly along?: 'x' | 'y';
}

/** Width and height of a box. */
const SIDES: readonly Plane[] = [{ bias: CELL_SIZE }, { bias: CELL_SIZE }];

const BOX: readonly Plane[] = [{ bias: CELL_SIZE / 2, along: 'x' }, { bias: CELL_SIZE / 2, along: 'y' }, ...SIDES];

const CLASSES: readonly Plane[] = [0, 1, 2].map((channel) => ({ bias: 0, channel }));

/** Corners of the cell, the second half as sure as the first. */
const POINTS: readonly Plane[] = [
  { bias: 0, along: 'x' },
  { bias: 0, along: 'y' },
  { bias: 1 },
  { bias: CELL_SIZE, along: 'x' },
  { bias: CELL_SIZE, along: 'y' },
  { bias: 0.5 },
];

const PLANES: Readonly<Record<CellsLayout, readonly Plane[]>> = {
  yolov5: [...BOX, { bias: 1 }, ...CLASSES],
  yolov8: [...BOX, ...CLASSES],
  yolov8_pose: [...BOX, ...CLASSES, ...POINTS],
  yolov8_obb: [...BOX, ...CLASSES, { bias: 0 }],
};

/**
 * A detector with the outputs of a YOLO: an object for each cell of 8x8 pixels, of class 0 as sure as the cell is red, of
 * class 1 as it is green and of class 2 as it is blue.
 */
export function cellsModel(layout: CellsLayout, width: number, height: number, boxSide = CELL_SIZE): Uint8Array {
  const planes = PLANES[layout].map((plane) => (SIDES.includes(plane) ? { bias: boxSide } : plane));
  const [rows, columns] = [height / CELL_SIZE, width / CELL_SIZE];
  const cells = rows * columns;
  const weights = planes.flatMap(({ channel }) => [0, 1, 2].map((from) => (from === channel ? 1 / 255 : 0)));
  const places = planes.flatMap(({ along }) =>
    Array.from({ length: cells }, (_, cell) => {
      if (along === undefined) return 0;
      return CELL_SIZE * (along === 'x' ? cell % columns : Math.floor(cell / columns));
    }),
  );
  const size = [CELL_SIZE, CELL_SIZE];
  const lastNode =
    layout === 'yolov5'
      ? node('Transpose', ['planes'], ['output'], { perm: [0, 2, 1] })
      : node('Identity', ['planes'], ['output']);
  return encodeModel(
    makeModel({
      name: 'cells',
      nodes: [
        node('AveragePool', ['input'], ['cells'], { kernel_shape: size, strides: size }),
        node('Conv', ['cells', 'weights', 'biases'], ['values']),
        node('Add', ['values', 'places'], ['placed']),
        node('Reshape', ['placed', 'shape'], ['planes']),
        lastNode,
      ],
      initializers: [
        floatTensor('weights', [planes.length, 3, 1, 1], Float32Array.from(weights)),
        floatTensor(
          'biases',
          [planes.length],
          Float32Array.from(planes, ({ bias }) => bias),
        ),
        floatTensor('places', [1, planes.length, rows, columns], Float32Array.from(places)),
        int64Tensor('shape', [0, planes.length, cells]),
      ],
      inputs: [valueInfo('input', ['batch', 3, height, width])],
      outputs: [
        valueInfo('output', layout === 'yolov5' ? ['batch', cells, planes.length] : ['batch', planes.length, cells]),
      ],
    }),
  );
}

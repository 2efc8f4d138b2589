import type { NodeProto, TensorProto, ValueInfoProto } from '../../gen/onnx/onnx.js';
import { attributeOf, fedInputs, graphsOf, type OnnxModel } from '../graph.js';
import { DataType, dataTypeName, elementSize } from '../tensor.js';
import type { Observation } from './finding.js';
import { allNodes } from './places.js';

const about = { rule: 'R11', fixable: false } as const;
const INT32 = 2n ** 31n;
/** Exporters write the largest number for "to the end", which every runtime takes for that. */
const TO_THE_END = 2n ** 62n;

/** R11: element types that a runtime lacks or narrows. */
export function checkTypes(model: OnnxModel): Observation[] {
  const { graph } = model;
  return [...oddInputs(model).map(oddInput), ...doubles(graph), ...wideConstants(graph), ...brainFloats(graph)];
}

/** Inputs that are neither pictures nor numbers of words. */
export function oddInputs({ graph }: OnnxModel): ValueInfoProto[] {
  const odd: number[] = [DataType.UINT8, DataType.INT8, DataType.BOOL, DataType.STRING, DataType.DOUBLE];
  return fedInputs(graph).filter(({ type }) => odd.includes(type?.tensorType?.elemType ?? DataType.UNDEFINED));
}

function oddInput({ name, type }: ValueInfoProto): Observation {
  return {
    ...about,
    severity: 'error',
    node: null,
    message: `input '${name}' is ${dataTypeName(type?.tensorType?.elemType ?? DataType.UNDEFINED)}`,
    why: 'The server feeds pictures as FLOAT (32 bits), scaled by its own pre-processing.',
    fix: 'Leave the cast out of the network, and export it with a float32 input.',
  };
}

/** The constants of a graph with the node that takes each first. */
function constantsOf(graph: OnnxModel['graph']): { tensor: TensorProto; node: NodeProto | null }[] {
  return [...graphsOf(graph)].flatMap(({ initializer, node }) => [
    ...initializer.map((tensor) => ({ tensor, node: node.find(({ input }) => input.includes(tensor.name)) ?? null })),
    ...node.flatMap((one) =>
      one.attribute.flatMap(({ t }) => {
        const taker = node.find(({ input }) => input.includes(one.output[0] ?? ''));
        return t === undefined ? [] : [{ tensor: t, node: taker ?? one }];
      }),
    ),
  ]);
}

function castsTo(graph: OnnxModel['graph'], type: number): NodeProto[] {
  return allNodes(graph).filter((node) => node.opType === 'Cast' && attributeOf(node, 'to')?.i === BigInt(type));
}

/** What is told of a type of floats that casts or constants bring in. */
function floatsOf(
  graph: OnnxModel['graph'],
  type: number,
  name: string,
  advice: Pick<Observation, 'why' | 'fix'>,
): Observation[] {
  const constants = constantsOf(graph).filter(({ tensor }) => tensor.dataType === type);
  const casts = castsTo(graph, type);
  const node = casts[0] ?? constants[0]?.node;
  if (node === undefined) return [];
  const message = `${name}: ${casts.length} casts and ${constants.length} constants`;
  return [{ ...about, severity: 'warning', node, message, ...advice }];
}

function doubles(graph: OnnxModel['graph']): Observation[] {
  return floatsOf(graph, DataType.DOUBLE, '64-bit floats', {
    why: 'TensorRT has none; its parser narrows the constants and refuses the casts.',
    fix: 'Use .float() in the network, and constants of float32.',
  });
}

function wideConstants(graph: OnnxModel['graph']): Observation[] {
  const wide = constantsOf(graph).filter(({ tensor, node }) => node?.opType !== 'Slice' && isWide(tensor));
  const [first] = wide;
  if (first === undefined) return [];
  return [
    {
      ...about,
      severity: 'warning',
      node: first.node,
      message: `${wide.length} constants of 64 bits hold numbers that 32 do not, '${first.tensor.name}' first`,
      why: 'TensorRT before 10 narrows them, and computes something else.',
      fix: 'Keep such numbers out of the network, or use floats.',
    },
  ];
}

function isWide(tensor: TensorProto): boolean {
  if (tensor.dataType !== DataType.INT64) return false;
  const { rawData: raw, int64Data } = tensor;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const width = elementSize(DataType.INT64) ?? 8;
  const numbers =
    raw.length > 0
      ? Array.from({ length: Math.floor(raw.length / width) }, (_, index) => view.getBigInt64(index * width, true))
      : int64Data;
  return numbers.some((number) => (number >= INT32 || number < -INT32) && number < TO_THE_END && number > -TO_THE_END);
}

function brainFloats(graph: OnnxModel['graph']): Observation[] {
  return floatsOf(graph, DataType.BFLOAT16, 'bfloat16', {
    why: 'ONNX Runtime computes hardly anything in it on the CPU, and GPUs before Ampere nothing.',
    fix: 'Export in float32; the server makes engines of float16 from it.',
  });
}

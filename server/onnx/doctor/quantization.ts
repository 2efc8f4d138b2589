import type { GraphProto, NodeProto } from '../../gen/onnx/onnx.js';
import { constantNumbers, constantTensor } from '../constants.js';
import type { OnnxModel } from '../graph.js';
import { hasQuantization } from '../quantization.js';
import { DataType, dataTypeName, numbersOf } from '../tensor.js';
import type { DoctorContext, Observation } from './finding.js';
import { allNodes } from './places.js';

const about = { rule: 'R13', fixable: false } as const;
const WEIGHTED: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);
/** Zero points of a channel each. */
const MOST_CHANNELS = 65_536;

/** R13: 8 bits as TensorRT computes them: symmetric, both sides of a product, one scale where values are put together. */
export function checkQuantization(model: OnnxModel, { options }: DoctorContext): Observation[] {
  if (!hasQuantization(model))
    return options.serving?.int8 === true && !options.serving.calibrated ? [uncalibrated()] : [];
  const view = new QuantizedGraph(model.graph);
  return [
    ...grouped(view.asymmetric(), {
      severity: 'error',
      what: (count, node) => `${count} quantisations have a zero point other than 0, or are ${view.typeOf(node)}`,
      why: 'TensorRT computes with symmetric int8 alone, and refuses the model.',
      fix: 'Quantise symmetrically: activations and weights as QInt8, with a zero point of 0.',
    }),
    ...grouped(view.halfQuantized(), {
      severity: 'warning',
      what: (count) => `${count} products have one side in 8 bits and the other not`,
      why: 'They are computed in floats, after converting the one side back.',
      fix: 'Quantise the input and the weights, or neither.',
    }),
    ...grouped(view.unevenAdds(), {
      severity: 'warning',
      what: (count) => `${count} additions have one branch in 8 bits and the other not`,
      why: 'The convolution in front cannot be fused with the addition, which costs more than 8 bits gain.',
      fix: 'Quantise both branches of a residual.',
    }),
    ...grouped(view.unevenConcats(), {
      severity: 'warning',
      what: (count) => `${count} nodes put values of different scales together`,
      why: 'Each part is converted to floats and back.',
      fix: 'Use one scale for all inputs and the output of a concatenation.',
    }),
    ...grouped(view.floating(), {
      severity: 'info',
      what: (count) => `${count} products are left in floats, in a model that is quantised`,
      why: 'They run at the speed of floats; for the last layers of a detector that is as it should be.',
      fix: null,
    }),
  ];
}

function uncalibrated(): Observation {
  return {
    ...about,
    severity: 'error',
    node: null,
    message: 'config.yaml asks for int8, and neither the file nor pictures say how wide the values are',
    why: 'TensorRT 11 refuses to guess, and older ones guess badly.',
    fix: 'Quantise the file, or give pictures to calibrate with.',
  };
}

interface Words {
  readonly severity: Observation['severity'];
  readonly what: (count: number, first: NodeProto) => string;
  readonly why: string;
  readonly fix: string | null;
}

function grouped(nodes: readonly NodeProto[], { severity, what, why, fix }: Words): Observation[] {
  const [first] = nodes;
  return first === undefined ? [] : [{ ...about, severity, node: first, message: what(nodes.length, first), why, fix }];
}

class QuantizedGraph {
  readonly #graph: GraphProto;
  readonly #nodes: readonly NodeProto[];
  readonly #producers: ReadonlyMap<string, NodeProto>;

  constructor(graph: GraphProto) {
    this.#graph = graph;
    this.#nodes = allNodes(graph);
    this.#producers = new Map(this.#nodes.flatMap((node) => node.output.map((name) => [name, node] as const)));
  }

  asymmetric(): NodeProto[] {
    return this.#nodes.filter((node) => {
      if (node.opType !== 'QuantizeLinear' && node.opType !== 'DequantizeLinear') return false;
      const zero = constantTensor(this.#graph, node.input[2]);
      if (zero === null) {
        // Without a zero point a QuantizeLinear makes UINT8.
        return node.opType === 'QuantizeLinear' && (node.input[2] ?? '') === '';
      }
      const isEight = zero.dataType === DataType.INT8 || zero.dataType === DataType.UINT8;
      const shifted = numbersOf(zero, MOST_CHANNELS)?.some((point) => point !== 0) ?? false;
      return isEight && (shifted || zero.dataType === DataType.UINT8);
    });
  }

  typeOf(node: NodeProto): string {
    return dataTypeName(constantTensor(this.#graph, node.input[2])?.dataType ?? DataType.UINT8);
  }

  halfQuantized(): NodeProto[] {
    return this.#products().filter((node) => {
      const [left, right] = node.input.slice(0, 2).map((name) => this.#isQuantized(name));
      return left !== right;
    });
  }

  /** None where nothing is computed in 8 bits at all. */
  floating(): NodeProto[] {
    const sides = this.#products().map((node) => ({
      node,
      quantized: node.input.slice(0, 2).filter((name) => this.#isQuantized(name)).length,
    }));
    if (!sides.some(({ quantized }) => quantized === 2)) return [];
    return sides.filter(({ quantized }) => quantized === 0).map(({ node }) => node);
  }

  unevenAdds(): NodeProto[] {
    return this.#nodes.filter((node) => {
      if (node.opType !== 'Add' || node.input.some((name) => constantTensor(this.#graph, name) !== null)) return false;
      const [left, right] = node.input.map((name) => this.#isQuantized(name));
      return left !== right;
    });
  }

  /** Joined values whose scales differ among each other, or from that of the joint value. */
  unevenConcats(): NodeProto[] {
    return this.#nodes.filter((node) => {
      if (node.opType !== 'Concat') return false;
      const before = node.input.map((name) => this.#scaleOf(this.#producers.get(name), 'DequantizeLinear'));
      const after = this.#nodes
        .filter(({ input }) => input[0] === node.output[0])
        .map((taker) => this.#scaleOf(taker, 'QuantizeLinear'));
      const scales = new Set([...before, ...after].filter((scale) => scale !== null));
      return before.some((scale) => scale !== null) && scales.size > 1;
    });
  }

  #products(): NodeProto[] {
    return this.#nodes.filter(({ opType }) => WEIGHTED.has(opType));
  }

  #isQuantized(name: string): boolean {
    return this.#producers.get(name)?.opType === 'DequantizeLinear';
  }

  #scaleOf(node: NodeProto | undefined, opType: string): number | null {
    return node?.opType === opType ? (constantNumbers(this.#graph, node.input[1])?.[0] ?? null) : null;
  }
}

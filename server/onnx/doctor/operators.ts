import type { NodeProto } from '../../gen/onnx/onnx.js';
import { attributeOf, opsetOf, type OnnxModel } from '../graph.js';
import type { Observation } from './finding.js';
import { NEWEST_OPSET } from './opset.js';
import { allNodes } from './places.js';
import { SINCE, WITHDRAWN } from './standard-operators.js';

const about = { rule: 'R10', fixable: false } as const;
/** Domains whose operators ONNX Runtime has, and TensorRT has not. */
const RUNTIME_DOMAINS: ReadonlySet<string> = new Set([
  'ai.onnx.ml',
  'com.microsoft',
  'com.microsoft.nchwc',
  'ai.onnx.contrib',
]);

/** R10: operators that are in no standard, or not in the version that the file asks for. */
export function checkOperators(model: OnnxModel): Observation[] {
  const functions = new Set(model.functions.map(({ domain, name }) => `${domain}.${name}`));
  return allNodes(model.graph).flatMap((node) =>
    functions.has(`${node.domain}.${node.opType}`) ? [] : checkOperator(node, model),
  );
}

function checkOperator(node: NodeProto, model: OnnxModel): Observation[] {
  // R9 tells of plugins that suppress boxes.
  if (/NMS\w*_TRT$/.test(node.opType)) return [];
  if (node.opType === 'Plugin' || node.opType.endsWith('_TRT') || node.domain === 'TRT') return [plugin(node)];
  if (node.domain === '' || node.domain === 'ai.onnx') return checkStandard(node, opsetOf(model));
  if (RUNTIME_DOMAINS.has(node.domain)) {
    return [
      {
        ...about,
        severity: 'warning',
        node,
        message: `it is an operator of ${node.domain}, not of the standard`,
        why: 'ONNX Runtime has it, TensorRT has not: the model serves on the CPU alone.',
        fix: 'Export from the framework again, without optimising for ONNX Runtime.',
      },
    ];
  }
  return [unknown(node, `the domain '${node.domain}' is in no runtime`)];
}

/** A node that stands for code of its own: `Plugin` with a name and an info, or what a TensorRT plugin is called. */
function plugin(node: NodeProto): Observation {
  const text = (...names: string[]) => {
    const attribute = names.map((name) => attributeOf(node, name)).find((one) => one !== undefined);
    return attribute === undefined ? null : new TextDecoder().decode(attribute.s);
  };
  const name = node.opType === 'Plugin' ? text('name', 'name_s') : node.opType;
  const info = text('info', 'info_s');
  return {
    ...about,
    severity: 'error',
    node,
    message: `it asks for the plugin '${name ?? '(no name)'}'${info === null ? '' : ` with ${info}`}`,
    why: 'It runs only where a library with that plugin is loaded into TensorRT, and never on the CPU.',
    fix: 'Export it by standard operators: HardSwish, HardSigmoid, ScatterND and DeformConv are such.',
  };
}

function checkStandard(node: NodeProto, opset: number): Observation[] {
  const since = SINCE.get(node.opType);
  if (since === undefined) {
    // Of files that are newer than all that is known here R5 tells.
    return opset > NEWEST_OPSET ? [] : [unknown(node, `'${node.opType}' is no operator of ONNX`)];
  }
  const withdrawn = WITHDRAWN.get(node.opType);
  if (opset < since || (withdrawn !== undefined && opset >= withdrawn.from)) {
    const isEarly = opset < since;
    return [
      {
        ...about,
        severity: 'error',
        node,
        message: isEarly
          ? `${node.opType} came with opset ${since}, and the file asks for ${opset}`
          : `${node.opType} is not in opset ${opset} any more; it is ${withdrawn?.instead} now`,
        why: 'Runtimes look operators up in the version that the file asks for.',
        fix: isEarly ? `Export with opset_version=${since} or newer.` : 'Export the model again.',
      },
    ];
  }
  if (node.opType !== 'DeformConv') return [];
  return [
    {
      ...about,
      severity: 'info',
      node,
      message: 'deformable convolution',
      why: 'TensorRT has it from 10.1 on.',
      fix: null,
    },
  ];
}

function unknown(node: NodeProto, message: string): Observation {
  return {
    ...about,
    severity: 'error',
    node,
    message,
    why: 'The runtime refuses the model.',
    fix: 'Export the layer by standard operators, or as a function of the model.',
  };
}

import { InvalidArgumentError, type Command } from 'commander';
import { writeFileAtomically } from '../catalog/atomic-file.js';
import { ServingError } from '../core/errors.js';
import { applyFixes, doctor, type DoctorOptions } from '../onnx/doctor/doctor.js';
import type { Finding, Severity } from '../onnx/doctor/finding.js';
import { declaredShape, fedInputs, opsetOf, shapeText, type OnnxModel } from '../onnx/graph.js';
import { decodeModelParts, encodeModel } from '../onnx/model-file.js';
import { ANCHORS } from '../onnx/yolo-heads.js';
import { readExternalFiles, readModelFile, servingPlanOf } from './doctor-files.js';

interface DoctorFlags {
  readonly width?: number;
  readonly height?: number;
  readonly anchors?: number[];
  readonly fix?: string;
  readonly json?: boolean;
}

/** Registers `sluice doctor`. */
export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('examine an ONNX model: what keeps it from being served well, why, and what to do')
    .argument('<MODEL.onnx>', 'the model file')
    .option('--width <PIXELS>', 'width to be served; left out: that of config.yaml, or of the file', parsePixels)
    .option('--height <PIXELS>', 'height to be served; left out: that of config.yaml, or of the file', parsePixels)
    .option('--fix <OUT.onnx>', 'write the model with everything fixed that can be, for this size')
    .option(
      '--anchors <SIDES>',
      'anchors for decoding raw YOLO heads with --fix: p5, p6, or widths and heights in pixels, as in 10,13,16,30,...; ' +
        'left out: those of YOLOv5',
      parseAnchors,
    )
    .option('--json', 'print one JSON object instead')
    .addHelpText(
      'after',
      '\nA model in a repository is held against the config.yaml (or config.pbtxt) and labels beside it.' +
        '\nThe exit code is 1 when there are errors, or when nothing could be written with --fix; else 0.',
    )
    .action(examine);
}

function parsePixels(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 16384) return value;
  throw new InvalidArgumentError('It must be a whole number from 1 to 16384.');
}

function parseAnchors(text: string): number[] {
  const name = text.toLowerCase();
  if (name === 'p5' || name === 'p6') return [...ANCHORS[name]];
  const sides = text.split(',').map(Number);
  if (sides.length % 6 === 0 && sides.every((side) => side > 0 && Number.isFinite(side))) return sides;
  throw new InvalidArgumentError('It must be p5, p6, or three widths and heights a head, as in 10,13,16,30,33,23.');
}

async function examine(file: string, flags: DoctorFlags): Promise<void> {
  const model = decodeModelParts(await readModelFile(file));
  const { input, serving } = await servingPlanOf(file);
  const options: DoctorOptions = {
    ...input,
    ...(flags.width === undefined ? {} : { width: flags.width }),
    ...(flags.height === undefined ? {} : { height: flags.height }),
    ...(flags.anchors === undefined ? {} : { anchors: flags.anchors }),
    ...(serving === undefined ? {} : { serving }),
    externalFiles: await readExternalFiles(file, model),
  };
  const findings = doctor(model, options);
  const fixed = flags.fix === undefined ? null : await writeFixed(model, options, flags.fix);
  if (flags.json === true) {
    console.log(JSON.stringify({ file, ...summary(model), findings, ...fixed }, null, 2));
  } else {
    printFindings(file, model, findings);
    if (fixed !== null && 'changes' in fixed) printChanges(flags.fix ?? '', fixed.changes);
  }
  if (fixed !== null && 'refused' in fixed) console.error(`${flags.fix}: nothing was written: ${fixed.refused}`);
  const failed = findings.some(({ severity }) => severity === 'error') || (fixed !== null && 'refused' in fixed);
  if (failed) process.exitCode = 1;
}

/** The changes, or why nothing was written: the findings are printed either way. */
async function writeFixed(
  model: OnnxModel,
  options: DoctorOptions,
  path: string,
): Promise<{ changes: string[] } | { refused: string }> {
  try {
    const { model: fixed, changes } = applyFixes(model, options);
    await writeFileAtomically(path, encodeModel(fixed));
    return { changes };
  } catch (cause) {
    if (cause instanceof ServingError) return { refused: cause.message };
    throw cause;
  }
}

function summary(model: OnnxModel) {
  const values = (list: typeof model.graph.input) =>
    list.map((value) => ({ name: value.name, shape: declaredShape(value) }));
  return {
    producer: [model.producerName, model.producerVersion].filter((text) => text !== '').join(' '),
    irVersion: Number(model.irVersion),
    opset: opsetOf(model),
    nodes: model.graph.node.length,
    inputs: values(fedInputs(model.graph)),
    outputs: values(model.graph.output),
  };
}

const MARKS: Readonly<Record<Severity, string>> = { error: 'ERROR  ', warning: 'warning', info: 'info   ' };
const INDENT = ' '.repeat(MARKS.error.length + 6);

function printFindings(file: string, model: OnnxModel, findings: readonly Finding[]): void {
  const { producer, opset, nodes, inputs, outputs } = summary(model);
  console.log(`${file}: opset ${opset}, ${nodes} nodes${producer === '' ? '' : `, written by ${producer}`}`);
  for (const { name, shape } of inputs) console.log(`  input   ${name} ${shapeText(shape)}`);
  for (const { name, shape } of outputs) console.log(`  output  ${name} ${shapeText(shape)}`);
  console.log('');
  for (const { rule, severity, node, place, message, why, fix, fixable } of findings) {
    const where = place === null ? '' : ` (${place})`;
    console.log(`${MARKS[severity]} ${rule.padEnd(4)} ${node === null ? '' : `${node}: `}${message}${where}`);
    console.log(`${INDENT}${why}`);
    if (fix !== null) console.log(`${INDENT}-> ${fix}${fixable ? ' Or --fix.' : ''}`);
    else if (fixable) console.log(`${INDENT}-> --fix`);
  }
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length;
  const fixable = findings.filter((finding) => finding.fixable).length;
  const mended = findings.filter(({ mendedAtLoad }) => mendedAtLoad).length;
  console.log(
    findings.length === 0
      ? 'Nothing found.'
      : `\n${count('error')} errors, ${count('warning')} warnings, ${count('info')} notes; ${fixable} can be fixed with --fix, ${mended} of them by the server when it loads.`,
  );
}

function printChanges(path: string, changes: readonly string[]): void {
  console.log(`\n${path}: ${changes.length === 0 ? 'written as it was' : 'written with these changes'}`);
  for (const change of changes) console.log(`  ${change}`);
}

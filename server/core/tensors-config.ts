import { z } from 'zod';
import type { Datatype } from './tensors.js';

/** The section `tensors` of a config.yaml: what requests see of a model's inputs and outputs. Names are Triton's. */

/** Element types, as Triton's configuration names them. */
const DATA_TYPES = {
  TYPE_BOOL: 'BOOL',
  TYPE_UINT8: 'UINT8',
  TYPE_UINT16: 'UINT16',
  TYPE_UINT32: 'UINT32',
  TYPE_UINT64: 'UINT64',
  TYPE_INT8: 'INT8',
  TYPE_INT16: 'INT16',
  TYPE_INT32: 'INT32',
  TYPE_INT64: 'INT64',
  TYPE_FP16: 'FP16',
  TYPE_FP32: 'FP32',
  TYPE_FP64: 'FP64',
  TYPE_STRING: 'BYTES',
  TYPE_BF16: 'BF16',
} as const satisfies Record<string, Datatype>;

export const dims = () => z.array(z.int().min(-1)).max(64);

export const dataType = (description: string) =>
  z.enum(Object.keys(DATA_TYPES) as [keyof typeof DATA_TYPES]).describe(description);

const tensorFields = {
  name: z.string().min(1).describe('Its name in the model file; of an ensemble, the one that steps map.'),
  data_type: dataType('Type of its elements. TYPE_STRING: BYTES of the protocol.'),
  dims: dims().describe('Its shape in requests, without the batch dimension; -1: any.'),
  reshape: z
    .strictObject({ shape: dims().describe('As many elements as `dims`; each -1 is that of `dims`, in order.') })
    .optional()
    .describe('Its shape in the model file, where that differs from `dims`.'),
};

const inputSchema = z.strictObject(tensorFields);

const outputSchema = z.strictObject({
  ...tensorFields,
  label_filename: z
    .string()
    .regex(/^(?!\.{1,2}$)[^/\\]+$/, 'must be the name of a file in the model directory')
    .optional()
    .describe('File in the model directory with the name of one class a line, for answers that classify.'),
});

export const tensorsSchema = z
  .strictObject({
    input: z.array(inputSchema).default([]).describe('The inputs. Empty: those of the model file.'),
    output: z
      .array(outputSchema)
      .default([])
      .describe('The outputs that are answered. Empty: those of the model file.'),
  })
  .describe(
    'What requests see of the inputs and outputs; checked against the model file. Only for the tasks tensors and ensemble; ' +
      'an ensemble needs it.',
  );

export type TensorsConfig = z.output<typeof tensorsSchema>;
export type DeclaredTensor = z.output<typeof inputSchema>;

type Problem = [path: PropertyKey[], message: string];

export function datatypeOfConfig(name: keyof typeof DATA_TYPES): Datatype {
  return DATA_TYPES[name];
}

/** What is wrong with declarations that are right one by one. */
export function tensorsProblems(tensors: TensorsConfig): Problem[] {
  return (['input', 'output'] as const).flatMap((side) =>
    tensors[side].flatMap(({ name, dims: from, reshape }, index): Problem[] => {
      const at = ['tensors', side, index];
      const first = tensors[side].findIndex((other) => other.name === name);
      const problems: Problem[] =
        first < index ? [[[...at, 'name'], `${side} ${first + 1} has the name ${name} too`]] : [];
      if (reshape !== undefined && !sameElements(from, reshape.shape)) {
        const message = `[${reshape.shape.join(', ')}] has other elements than dims, which is [${from.join(', ')}]`;
        problems.push([[...at, 'reshape', 'shape'], message]);
      }
      return problems;
    }),
  );
}

/** Whether shapes hold the same elements: as many open dims, and the same product between them. */
function sameElements(a: readonly number[], b: readonly number[]): boolean {
  return productsBetween(a).join() === productsBetween(b).join();
}

function productsBetween(shape: readonly number[]): number[] {
  const products = [1];
  for (const dim of shape) {
    if (dim === -1) products.push(1);
    else products[products.length - 1]! *= dim;
  }
  return products;
}

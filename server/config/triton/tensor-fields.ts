import { ignored, list, message, names, part, read } from './field-type.js';

/** What a config.pbtxt says of tensors. */

export const DATA_TYPE = names(
  'TYPE_INVALID',
  'TYPE_BOOL',
  'TYPE_UINT8',
  'TYPE_UINT16',
  'TYPE_UINT32',
  'TYPE_UINT64',
  'TYPE_INT8',
  'TYPE_INT16',
  'TYPE_INT32',
  'TYPE_INT64',
  'TYPE_FP16',
  'TYPE_FP32',
  'TYPE_FP64',
  'TYPE_STRING',
  'TYPE_BF16',
);

const RESHAPE = message({ shape: list(part('int64')) });

const SHAPE_TENSOR = 'Plans are built from the model file, which says which tensors are shapes.';

const NON_LINEAR = 'Tensors are linear: TensorRT reorders them itself.';

export const INPUT = message({
  name: read('string', 'Must be an input of the model file.'),
  data_type: read(DATA_TYPE, 'Must be the type in the model file.'),
  format: ignored(names('FORMAT_NONE', 'FORMAT_NHWC', 'FORMAT_NCHW'), 'The dimensions say all that is needed.'),
  dims: list(read('int64', 'Must fit the model file; may be narrower than it. -1: any.')),
  reshape: read(RESHAPE, 'Requests have the shape of `dims`, the model gets this one.'),
  is_shape_tensor: ignored('bool', SHAPE_TENSOR),
  allow_ragged_batch: ignored('bool', 'Only requests with inputs of the same shapes share a batch.'),
  optional: ignored('bool', 'Requests have to send every input.'),
  is_non_linear_format_io: ignored('bool', NON_LINEAR),
});

export const OUTPUT = message({
  name: read('string', 'Must be an output of the model file.'),
  data_type: read(DATA_TYPE, 'Must be the type in the model file.'),
  dims: list(read('int64', 'Must be those of the model file. -1: any.')),
  reshape: read(RESHAPE, 'The model gives this shape, answers have that of `dims`.'),
  label_filename: read('string', 'Names of classes, for the classification extension.'),
  is_shape_tensor: ignored('bool', SHAPE_TENSOR),
  is_non_linear_format_io: ignored('bool', NON_LINEAR),
});

export const BATCH_INPUT = message({
  kind: part(
    names(
      'BATCH_ELEMENT_COUNT',
      'BATCH_ACCUMULATED_ELEMENT_COUNT',
      'BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO',
      'BATCH_MAX_ELEMENT_COUNT_AS_SHAPE',
      'BATCH_ITEM_SHAPE',
      'BATCH_ITEM_SHAPE_FLATTEN',
    ),
  ),
  target_name: list(part('string')),
  data_type: part(DATA_TYPE),
  source_input: list(part('string')),
});

export const BATCH_OUTPUT = message({
  target_name: list(part('string')),
  kind: part(names('BATCH_SCATTER_WITH_INPUT_SHAPE')),
  source_input: list(part('string')),
});

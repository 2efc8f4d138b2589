import { z } from 'zod';

/** What config.yaml says of models that read texts: the section `tokenizer`, and how tokens become vectors. */

const tensorName = (meaning: string, name: string) =>
  z.string().min(1).default(name).describe(`Name of the input with ${meaning}.`);

const textInputsSchema = z
  .strictObject({
    ids: tensorName('the numbers of the tokens', 'input_ids'),
    mask: tensorName('1 for each token and 0 for padding', 'attention_mask'),
    token_types: tensorName('the segment of each token, which is always 0', 'token_type_ids'),
  })
  .describe(
    'Which tensor is which, by name. A model that has none of these names is fed in the order ids, mask, token types. ' +
      'It may do without the mask and the token types.',
  );

export const tokenizerSchema = z
  .strictObject({
    vocab: z
      .string()
      .regex(/^(?!\.{1,2}$)[^/\\]+$/, 'must be the name of a file in the model directory')
      .default('vocab.txt')
      .describe(
        'File in the model directory with one token a line; the first line is token 0. It has [PAD] and [UNK].',
      ),
    max_length: z
      .int()
      .min(3)
      .max(8192)
      .default(128)
      .describe('Most tokens of a text, [CLS] and [SEP] included; no more than the model was made for.'),
    on_overflow: z
      .enum(['refuse', 'truncate'])
      .default('refuse')
      .describe('What becomes of a longer text. refuse: its frame fails. truncate: its end is left out.'),
    padding: z
      .enum(['longest', 'max_length'])
      .default('longest')
      .describe(
        'How long the rows of a batch are. longest: as its longest text. max_length: always that, which models with a ' +
          'fixed length need and which lets CUDA graphs be used.',
      ),
    lower_case: z.boolean().default(true).describe('Lower-cases texts: what models called uncased want.'),
    strip_accents: z
      .boolean()
      .optional()
      .describe('Takes accents and other marks off the letters; default: as `lower_case`.'),
    split_cjk: z.boolean().default(true).describe('Makes each Chinese character a word of its own.'),
    add_sep: z.boolean().default(true).describe('Ends a text with [SEP]; all begin with [CLS].'),
    inputs: textInputsSchema.prefault({}),
  })
  .describe('How texts become tokens, as BERT does it (WordPiece). Tasks that read texts.');

/** The key `postprocess.pooling`. */
export const poolingSchema = z
  .enum(['none', 'cls', 'mean'])
  .default('none')
  .describe(
    'How the vectors of the tokens become that of the text. none: the model tells one vector a text. cls: the first ' +
      "token's. mean: the mean of all tokens that are no padding. Task text_embedding.",
  );

export type TokenizerConfig = z.output<typeof tokenizerSchema>;

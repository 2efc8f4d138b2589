import test from 'ava';
import { Vocabulary } from '../../server/runtime/text/vocabulary.js';
import { WordPiece } from '../../server/runtime/text/wordpiece.js';
import { Random } from '../native/random.js';
import { askOracle } from '../oracle/oracle.js';
import { ScratchDirectory } from '../support/scratch-directory.js';

const UNCASED = { lower_case: true, strip_accents: undefined, split_cjk: true };
const CASED = { ...UNCASED, lower_case: false };

const LETTERS = Array.from(
  'abcdefghijklmnopqrstuvwxyz0123456789ABCÉéüöäßñçøæœıİiàâαβγδςгдйёЁЖ日本中国한어가나أبתกข𠀀𪜀😀👍ﬁ①½',
).concat(['\u0301', '\u200d', '\ufe0f', '\u00ad', '\u{1f3fd}']);
const SIGNS = Array.from('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~«»–…¿“”、。！·§€©°±×');
const SPACES = [
  ' ',
  ' ',
  ' ',
  '\t',
  '\n',
  '\r\n',
  '\u00a0',
  '\u3000',
  '\u2028',
  '\u0085',
  '\u000b',
  '\u0000',
  '\ufffd',
  '\ufeff',
];
const WORDS = [
  'hello',
  'un',
  '##aff',
  '##able',
  'run',
  '##ning',
  'cafe',
  'café',
  'uber',
  'über',
  'straße',
  '日本',
  '##34',
];

const TOKENS = [
  '[PAD]',
  '[UNK]',
  '[CLS]',
  '[SEP]',
  '[MASK]',
  ...new Set([...LETTERS, ...SIGNS].flatMap((letter) => [letter, `##${letter}`]).concat(WORDS)),
];

async function vocabulary(tokens: readonly string[] = TOKENS): Promise<Vocabulary> {
  await using scratch = await ScratchDirectory.create();
  return await Vocabulary.read(await scratch.write('vocab.txt', tokens.join('\n')));
}

/** Texts that somebody might send, and some that only somebody means harm with. */
const TEXTS = [
  '',
  ' \t\n',
  'Hello, World! unaffable running',
  "Naïve café — Über STRASSE; don't",
  '日本語の中国人 and 한국어 текст',
  '豈\u{2f81a}𠀀𠀁x',
  '😀👍🏽 👨‍👩‍👧 emoji',
  'e\u0301\u0300 Å ﬁ ① ½',
  'İstanbul ıI ﬀ',
  '[CLS] is no token here [SEP]',
  'x^2+1=$5 `~|',
  'a'.repeat(100),
  'a'.repeat(101),
  '\u0301'.repeat(300),
  'a\u0000b\u200bc\u00add\ufffde\ufefff\ue000g',
  'line\u2028para\u2029no\u00a0break\u3000wide\u0085next\u000bfeed',
];

function anyTexts(): string[] {
  const random = new Random(31);
  const piece = () => random.pick([LETTERS, LETTERS, LETTERS, SIGNS, SPACES, WORDS]);
  return Array.from({ length: 3000 }, () =>
    Array.from({ length: random.integer(0, 30) }, () => random.pick(piece())).join(''),
  );
}

for (const [name, config] of [
  ['uncased', UNCASED],
  ['uncased with its accents', { ...UNCASED, strip_accents: false }],
  ['cased', CASED],
  ['cased without accents', { ...CASED, strip_accents: true }],
  ['with Chinese in words', { ...UNCASED, split_cjk: false }],
] as const) {
  test(`texts in many scripts have the tokens that an independent tokenizer finds: ${name}`, async (t) => {
    const texts = [...TEXTS, ...anyTexts()];
    const pieces = new WordPiece(await vocabulary(), config);
    const { strip_accents: strip = null } = config;
    const expected = askOracle<number[][]>('wordpiece.py', {
      ...config,
      strip_accents: strip,
      vocabulary: TOKENS,
      texts,
    });
    const found = texts.map((text) => pieces.encode(text, Infinity));
    const wrong = texts.findIndex((_, index) => found[index]!.join() !== expected[index]!.join());
    t.is(wrong, -1, `${JSON.stringify(texts[wrong])}: ${found[wrong]?.join()} is not ${expected[wrong]?.join()}`);
  });
}

const tokensOf = async (text: string, most = Infinity) => {
  const known = await vocabulary();
  return new WordPiece(known, UNCASED).encode(text, most).map((id) => TOKENS[id]);
};

test('words are split into the longest pieces from their start', async (t) => {
  t.deepEqual(await tokensOf('Unaffable'), ['un', '##aff', '##able']);
  t.deepEqual(await tokensOf('unk?'), ['un', '##k', '?']);
});

test('what the vocabulary cannot put together is [UNK] as a whole, never a number that is no token', async (t) => {
  t.deepEqual(await tokensOf('hello hel\u0416lo жук'), ['hello', '[UNK]', '[UNK]']);
  const ids = new WordPiece(await vocabulary(), UNCASED).encode('\u0416'.repeat(50), Infinity);
  t.deepEqual(ids, [TOKENS.indexOf('[UNK]')]);
});

test('a final sigma is one, as where BERT was trained', async (t) => {
  t.deepEqual(await tokensOf('ΓΔΣ'), ['γ', '##δ', '##ς']);
});

test('halves of pairs are left out', async (t) => {
  t.deepEqual(await tokensOf('he\ud83dllo \ude00 \ud83d'), ['hello']);
});

test('a long text is left soon after the tokens that are wanted', async (t) => {
  const ids = new WordPiece(await vocabulary(), UNCASED).encode('日'.repeat(20_000), 10);
  t.true(ids.length > 10 && ids.length < 20);
});

test('the worst text of the protocol takes no time to speak of', async (t) => {
  // Each word can be split nearly to its end, in as many ways as there are pieces of `a`, and then not at all.
  const word = `${'a'.repeat(98)}\u0416 `;
  const long = Array.from({ length: 20 }, (_, index) => `##${'a'.repeat(index + 1)}`);
  const pieces = new WordPiece(await vocabulary([...TOKENS, ...long]), UNCASED);
  const start = performance.now();
  t.is(pieces.encode(word.repeat(655), Infinity).length, 655);
  t.true(performance.now() - start < 1000);
});

test('a vocabulary with Windows line ends is the same', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const known = await Vocabulary.read(await scratch.write('vocab.txt', `${TOKENS.join('\r\n')}\r\n`));
  t.is(known.size, TOKENS.length);
  t.is(known.require('[SEP]'), 3);
});

test('a vocabulary that is not there, or lacks a token that is needed, is told', async (t) => {
  await t.throwsAsync(Vocabulary.read('/nowhere/vocab.txt'), {
    code: 'CONFIG_INVALID',
    message: /vocab\.txt cannot be read/,
  });
  const known = await vocabulary(['a', 'b']);
  t.throws(() => new WordPiece(known, UNCASED), { code: 'CONFIG_INVALID', message: /none of its 2 lines is \[UNK\]/ });
});

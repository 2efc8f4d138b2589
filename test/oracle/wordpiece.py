"""Which tokens a text has, by Hugging Face's tokenizers: BERT's, written in Rust by others."""

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from wire import serve


def tokens(request):
    vocabulary = {token: number for number, token in enumerate(request["vocabulary"])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=request["split_cjk"],
        strip_accents=request["strip_accents"],
        lowercase=request["lower_case"],
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return [tokenizer.encode(text, add_special_tokens=False).ids for text in request["texts"]]


serve(tokens)

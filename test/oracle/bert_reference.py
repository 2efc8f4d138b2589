"""
A small encoder in the manner of BERT with random weights, as ONNX files, and what they say of texts: tokens by Hugging
Face's tokenizers, inference by onnxruntime, one text at a time and without padding, the rest by NumPy.
"""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from wire import serve

WIDTH = 16
LENGTH = 64
CLASSES = 4


def encoder(size, seed):
    """Nodes from input_ids, attention_mask and token_type_ids to `hidden`, and their weights."""
    random = np.random.default_rng(seed)
    shapes = {"words": (size, WIDTH), "places": (LENGTH, WIDTH), "kinds": (2, WIDTH), "head": (WIDTH, CLASSES)}
    shapes |= {name: (WIDTH, WIDTH) for name in ("q", "k", "v", "o")}
    weights = {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    weights |= {"gain": np.ones(WIDTH, np.float32), "root": np.float32(WIDTH**-0.5), "far": np.float32(-1e4)}
    weights |= {"one": np.float32(1), "zero": np.int64(0), "step": np.int64(1), "axes": np.array([1], np.int64)}
    nodes = [
        helper.make_node("Gather", ["words", "input_ids"], ["word"]),
        helper.make_node("Gather", ["kinds", "token_type_ids"], ["kind"]),
        helper.make_node("Shape", ["input_ids"], ["length"], start=1, end=2),
        helper.make_node("Squeeze", ["length"], ["count"]),
        helper.make_node("Range", ["zero", "count", "step"], ["positions"]),
        helper.make_node("Gather", ["places", "positions"], ["place"]),
        helper.make_node("Sum", ["word", "kind"], ["typed"]),
        helper.make_node("Add", ["typed", "place"], ["raw"]),
        helper.make_node("LayerNormalization", ["raw", "gain"], ["x"]),
        *[helper.make_node("MatMul", ["x", name], [f"x{name}"]) for name in "qkv"],
        helper.make_node("Transpose", ["xk"], ["kt"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["xq", "kt"], ["dots"]),
        helper.make_node("Mul", ["dots", "root"], ["scaled"]),
        helper.make_node("Cast", ["attention_mask"], ["there"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["one", "there"], ["gone"]),
        helper.make_node("Mul", ["gone", "far"], ["away"]),
        helper.make_node("Unsqueeze", ["away", "axes"], ["bias"]),
        helper.make_node("Add", ["scaled", "bias"], ["biased"]),
        helper.make_node("Softmax", ["biased"], ["attention"], axis=-1),
        helper.make_node("MatMul", ["attention", "xv"], ["mixed"]),
        helper.make_node("MatMul", ["mixed", "o"], ["out"]),
        helper.make_node("Add", ["x", "out"], ["sum"]),
        helper.make_node("LayerNormalization", ["sum", "gain"], ["hidden"]),
        helper.make_node("Gather", ["hidden", "zero"], ["front"], axis=1),
        helper.make_node("MatMul", ["front", "head"], ["logits"]),
    ]
    return nodes, [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()]


def model(size, seed, output, shape):
    nodes, weights = encoder(size, seed)
    names = ["input_ids", "token_type_ids", "attention_mask"]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in names]
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)]
    used = nodes if output == "logits" else nodes[:-2]
    graph = helper.make_graph(used, "encoder", inputs, outputs, weights)
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def answer(request):
    vocabulary = {token: number for number, token in enumerate(request["vocabulary"])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [(token, vocabulary[token]) for token in ("[SEP]", "[CLS]")]
    tokenizer.post_processor = processors.BertProcessing(*ends)
    files = {
        "classes": model(len(vocabulary), 1, "logits", ["batch", CLASSES]),
        "vectors": model(len(vocabulary), 1, "hidden", ["batch", "length", WIDTH]),
    }
    sessions = {name: onnxruntime.InferenceSession(file) for name, file in files.items()}
    scores, means = [], []
    for text in request["texts"]:
        encoding = tokenizer.encode(text)
        feed = {
            "input_ids": np.array([encoding.ids]),
            "token_type_ids": np.array([encoding.type_ids]),
            "attention_mask": np.array([encoding.attention_mask]),
        }
        logits = sessions["classes"].run(None, feed)[0][0].astype(np.float64)
        exponentials = np.exp(logits - logits.max())
        scores.append(exponentials / exponentials.sum())
        mean = sessions["vectors"].run(None, feed)[0][0].astype(np.float64).mean(axis=0)
        means.append(mean / np.linalg.norm(mean))
    return {
        **{name: np.frombuffer(file, np.uint8) for name, file in files.items()},
        "scores": np.stack(scores),
        "means": np.stack(means),
    }


serve(answer)

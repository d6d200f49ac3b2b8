#!/usr/bin/env python3
"""Writes tests/golden/bert_golden.json: what sentence-transformers makes of a tiny BERT.

Run from the repository root where sentence-transformers 5 and torch are installed:

    python3 tests/golden/bert_golden.py > tests/golden/bert_golden.json

A file whose content is a string is written as it is: no C reader takes an integer of 10^30 whole.
The model has random weights, made by the rule in numbers() here and in test_bert_golden.c. The file
holds the folder's other files, the texts, and for each variant of the folder what it changes and the
vectors that the library gives. A text with null in place of a vector is left out: the library gives
the vector of an empty text there, we give none.
"""
import copy
import json
import logging
import os
import sys
import tempfile
import warnings

import numpy as np
from safetensors.numpy import save_file

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
os.environ["HF_HUB_OFFLINE"] = "1"

D, H, P, LAYERS, HEADS = 8, 12, 24, 2, 2

PIECES = (["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
          + [chr(c) for c in range(ord("a"), ord("z") + 1)]
          + ["##" + chr(c) for c in range(ord("a"), ord("z") + 1)]
          + list("0123456789.,:!?-'[]<>") + ["##" + c for c in "0123456789"]
          + ["hello", "world", "cafe", "query", "title", "good", "##ness", "brand"]
          + ["H", "W", "C", "é", "É", "##é", "##É", "ß", "σ", "##σ", "##ς", "ı", "##\u0307",
             "中", "国", "##国", "日", "本", "п", "##р", "ᄀ", "##ᅡ", "가", "##E", "##L", "##O"])

TEXTS = ["hello world", "Hello, WORLD!", "café", "cafe\u0301 CAFÉ É", "ÉÉé", "İı", "ΣΑΣ σας ς", "Straße ß",
         "中国", "a中国b 日本", "가", "при", "goodness good", "<brand> hello", "a<brand>b BRANDX brandx",
         "hello " * 30, "a.b-c'd: 12,345?", "tab\there\r\nline", "zero\u200bwidth\u0001", "[x] <y>", "q",
         "中国x", "😀 hello", "", "  "]


def numbers(seed, n):
    """n numbers in [-0.5, 0.5), as test_bert_golden.c makes them."""
    out, x = [], (seed * 2654435761 + 12345) % 2**32
    for _ in range(n):
        x = (x * 1664525 + 1013904223) % 2**32
        out.append(((x >> 8) % 4096) / 4096 - 0.5)
    return np.array(out, dtype=np.float32)


def tensors(rows):
    out = [("embeddings.word_embeddings.weight", [rows, D]),
           ("embeddings.position_embeddings.weight", [P, D]),
           ("embeddings.token_type_embeddings.weight", [2, D]),
           ("embeddings.LayerNorm.weight", [D]), ("embeddings.LayerNorm.bias", [D])]
    for k in range(LAYERS):
        for name, shape in (("attention.self.query", [D, D]), ("attention.self.key", [D, D]),
                            ("attention.self.value", [D, D]), ("attention.output.dense", [D, D]),
                            ("attention.output.LayerNorm", [D]), ("intermediate.dense", [H, D]),
                            ("output.dense", [D, H]), ("output.LayerNorm", [D])):
            out.append((f"encoder.layer.{k}.{name}.weight", shape))
            out.append((f"encoder.layer.{k}.{name}.bias", shape[:1]))
    return out


def weights(rows, gamma=False, prefix=""):
    w = {}
    for i, (name, shape) in enumerate(tensors(rows)):
        if gamma:
            name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        v = numbers(i + 1, int(np.prod(shape))).reshape(shape)
        w[prefix + name] = 1 + v if "LayerNorm.weight" in name or "gamma" in name else 2 * v
    return w


MARKS = [{"id": i, "content": PIECES[i], "single_word": False, "lstrip": False, "rstrip": False,
          "normalized": False, "special": True} for i in range(5)]
BASE = {
    "config.json": {"architectures": ["BertModel"], "model_type": "bert", "vocab_size": len(PIECES), "hidden_size": D,
                    "num_attention_heads": HEADS, "num_hidden_layers": LAYERS, "intermediate_size": H,
                    "max_position_embeddings": P, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
                    "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "pad_token_id": 0},
    "modules.json": [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
                     {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
                     {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}],
    "1_Pooling/config.json": {"word_embedding_dimension": D, "pooling_mode_mean_tokens": True},
    "sentence_bert_config.json": {"max_seq_length": 16, "do_lower_case": False},
    "config_sentence_transformers.json": {"prompts": {"q": "query: ", "glued": "pre", "none": ""}},
    "tokenizer_config.json": {"do_lower_case": True, "tokenizer_class": "BertTokenizer", "model_max_length": 20,
                              "pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]",
                              "mask_token": "[MASK]"},
    "tokenizer.json": {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": MARKS,
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing",
                           "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}},
                                      {"Sequence": {"id": "A", "type_id": 0}},
                                      {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
                           "pair": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}},
                                    {"Sequence": {"id": "A", "type_id": 0}},
                                    {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
                                    {"Sequence": {"id": "B", "type_id": 1}},
                                    {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
                           "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                                              "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": {p: i for i, p in enumerate(PIECES)}}},
}


def behind(*classes):
    paths = {"Transformer": "", "Pooling": "1_Pooling", "Dense": "2_Dense", "Dropout": "3_Dropout",
             "Normalize": "4_Normalize"}
    return [{"idx": i, "name": str(i), "path": paths[c], "type": "sentence_transformers.models." + c}
            for i, c in enumerate(classes)]


def tokenizer(norm=None, added=()):
    t = copy.deepcopy(BASE["tokenizer.json"])
    t["normalizer"].update(norm or {})
    for i, (content, normalized) in enumerate(added):
        t["added_tokens"].append({"id": len(PIECES) + i, "content": content, "single_word": False, "lstrip": False,
                                  "rstrip": False, "normalized": normalized, "special": False})
    return t


def merged(file, **kw):
    return {**BASE[file], **kw}


def without(file, *keys):
    return {k: v for k, v in BASE[file].items() if k not in keys}


def pooling(*on, **kw):
    flags = {"cls": "cls_token", "max": "max_tokens", "mean": "mean_tokens", "root": "mean_sqrt_len_tokens",
             "weighted": "weightedmean_tokens", "last": "lasttoken"}
    return {"word_embedding_dimension": D, **{"pooling_mode_" + f: k in on for k, f in flags.items()}, **kw}


def dense(columns, out, end, bias=True):
    return {"2_Dense/config.json": {"in_features": columns, "out_features": out, "bias": bias,
                                    "activation_function": "torch.nn.modules." + end}}


def variants():
    t, tc, st = "tokenizer.json", "tokenizer_config.json", "config_sentence_transformers.json"
    pool, sent, mods = "1_Pooling/config.json", "sentence_bert_config.json", "modules.json"
    fast = merged(tc, tokenizer_class="PreTrainedTokenizerFast")
    yield "as it is", {}
    yield "a default prompt", {st: merged(st, default_prompt_name="q")}
    yield "a prompt that meets the text", {st: merged(st, default_prompt_name="glued")}
    yield "an empty prompt", {st: merged(st, default_prompt_name="none")}
    yield "a prompt that is not pooled", {st: merged(st, default_prompt_name="q"),
                                          pool: pooling("mean", "max", "weighted", "root", "last", include_prompt=False)}
    yield "lower case said twice", {sent: merged(sent, do_lower_case=True)}
    yield "cased", {tc: merged(tc, do_lower_case=False), t: tokenizer({"lowercase": False})}
    yield "cased, but texts in lower case", {tc: merged(tc, do_lower_case=False), t: tokenizer({"lowercase": False}),
                                             sent: merged(sent, do_lower_case=True)}
    yield "the tokenizer's settings against its file", {tc: merged(tc, do_lower_case=False)}
    yield "the file against the tokenizer's defaults", {tc: None, t: tokenizer({"lowercase": False})}
    yield "a tokenizer that is its file", {tc: fast, t: tokenizer({"lowercase": False})}
    yield "lower case with accents", {tc: merged(tc, strip_accents=False)}
    yield "the same by its file", {tc: fast, t: tokenizer({"strip_accents": False})}
    yield "Han characters joined", {tc: merged(tc, tokenize_chinese_chars=False)}
    yield "the same by its file", {tc: fast, t: tokenizer({"handle_chinese_chars": False})}
    yield "model_max_length", {sent: None}
    yield "model_max_length beside a null", {sent: {"max_seq_length": None}, tc: merged(tc, model_max_length=9)}
    yield "model_max_length of 10^30", {sent: None, tc: json.dumps(merged(tc, model_max_length=int(1e30)))}
    yield "no model_max_length", {sent: None, tc: without(tc, "model_max_length")}
    yield "max_seq_length before model_max_length", {tc: merged(tc, model_max_length=9)}
    for mode in ("cls", "max", "root", "weighted", "last"):
        yield "pooling " + mode, {pool: pooling(mode)}
    yield "pooling by two", {pool: pooling("cls", "mean")}
    yield "pooling by all", {pool: pooling("cls", "max", "mean", "root", "weighted", "last")}
    yield "pooling by a word", {pool: {"embedding_dimension": D, "pooling_mode": "cls"}}
    yield "pooling by words", {pool: {"embedding_dimension": D, "pooling_mode": ["max", "mean"]}}
    yield "no pooling named", {pool: {"word_embedding_dimension": D}}
    for end in ("activation.Tanh", "linear.Identity", "activation.ReLU", "activation.GELU", "activation.Sigmoid"):
        yield "dense " + end, {mods: behind("Transformer", "Pooling", "Dense", "Normalize"), **dense(D, 5, end)}
    yield "dense without bias", {mods: behind("Transformer", "Pooling", "Dense"),
                                 **dense(D, 5, "activation.Tanh", False)}
    yield "dense behind two poolings", {mods: behind("Transformer", "Pooling", "Dense"), pool: pooling("cls", "mean"),
                                        **dense(2 * D, 10, "activation.Tanh")}
    yield "no Normalize", {mods: behind("Transformer", "Pooling")}
    yield "dropout", {mods: behind("Transformer", "Pooling", "Dropout"), "3_Dropout/config.json": {"dropout": 0.2}}
    yield "no modules.json", {mods: None, st: merged(st, default_prompt_name="q"), pool: pooling("cls")}
    yield "eps", {"config.json": merged("config.json", layer_norm_eps=0.05)}
    yield "a padded table", {"config.json": merged("config.json", vocab_size=len(PIECES) + 9)}
    yield "added tokens", {"config.json": merged("config.json", vocab_size=len(PIECES) + 9),
                           t: tokenizer(added=[("<brand>", False), ("BrandX", True), ("中国x", True), ("é", False)])}
    yield "gamma and beta", {"weights": "gamma"}
    yield "names that begin with bert.", {"weights": "bert."}


def write(folder, files):
    kind = files.get("weights", "")
    rows = files["config.json"]["vocab_size"]
    for name, content in files.items():
        if content is None or name == "weights":
            continue
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(content if isinstance(content, str) else json.dumps(content))
    save_file(weights(rows, kind == "gamma", kind if kind == "bert." else ""),
              os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
    d = files.get("2_Dense/config.json")
    if d is not None:
        w = {"linear.weight": 4 * numbers(1001, d["in_features"] * d["out_features"])
             .reshape(d["out_features"], d["in_features"])}
        if d["bias"]:
            w["linear.bias"] = numbers(1002, d["out_features"])
        save_file(w, os.path.join(folder, "2_Dense", "model.safetensors"))


def main():
    from sentence_transformers import SentenceTransformer
    import transformers
    transformers.logging.disable_progress_bar()
    out = []
    for name, changes in variants():
        files = {**BASE, **changes}
        with tempfile.TemporaryDirectory() as folder:
            write(folder, files)
            model = SentenceTransformer(folder, device="cpu")
            vectors = [None if not t.strip() else
                       [round(float(x), 6) for x in model.encode([t], show_progress_bar=False)[0]] for t in TEXTS]
        out.append({"name": name, "changes": changes, "vectors": vectors})
    print('{"files": ' + json.dumps(BASE, ensure_ascii=False) + ',\n"texts": '
          + json.dumps(TEXTS, ensure_ascii=False) + ',\n"variants": [\n'
          + ",\n".join(json.dumps(v, ensure_ascii=False, separators=(",", ":")) for v in out) + "]}")


if __name__ == "__main__":
    sys.exit(main())

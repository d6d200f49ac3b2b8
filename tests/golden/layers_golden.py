#!/usr/bin/env python3
"""What PyTorch gives for each layer and loss of nn/, forward and backward, in double: writes layers_golden.json.

    make bench-peers && build/peer/bin/python tests/golden/layers_golden.py > tests/golden/layers_golden.json

A case has its inputs from numbers(seed, n), as test_layers_golden.c makes them. "y" is the output, "d" the gradient of
sum(w * y), or of the loss, by each input.
"""
import json

import torch
import torch.nn.functional as F

from layers_golden_numbers import numbers

torch.set_default_dtype(torch.float64)
N, D, T, H = 5, 6, 7, 2
OFFSETS = [0, 3, 5]
cases = {}


def case(name, inputs, fn, loss=False):
    inputs = [x.clone().requires_grad_(True) for x in inputs]
    y = fn(*inputs)
    total = y if loss else (numbers(99, *y.shape) * y).sum()
    total.backward()
    cases[name] = {"y": y.reshape(-1).tolist(), "d": [x.grad.reshape(-1).tolist() for x in inputs]}


def sequences(x):
    return [x[a:b] for a, b in zip(OFFSETS, OFFSETS[1:])]


def attention(q, k, v, causal, heads=2):
    out = []
    for qs, ks, vs in zip(sequences(q), sequences(k), sequences(v)):
        n = qs.shape[0]
        split = lambda z: z.reshape(n, heads, D // heads).transpose(0, 1).unsqueeze(0)
        y = F.scaled_dot_product_attention(split(qs), split(ks), split(vs), is_causal=causal)
        out.append(y.squeeze(0).transpose(0, 1).reshape(n, D))
    return torch.cat(out)


def recurrent(kind, x, wh, bh, reverse):
    cell = (torch.nn.LSTM if kind == "lstm" else torch.nn.GRU)(x.shape[1], H)
    weights = {"weight_ih_l0": torch.eye(x.shape[1]), "weight_hh_l0": wh, "bias_ih_l0": torch.zeros(x.shape[1]),
               "bias_hh_l0": bh.reshape(-1)}
    out = []
    for s in sequences(x):
        s = s.flip(0) if reverse else s
        y, _ = torch.func.functional_call(cell, weights, (s,))
        out.append(y.flip(0) if reverse else y)
    return torch.cat(out)


def images(n, h, w, c):
    return (numbers(50, n, h, w, c) * 255 + 127.5).floor().permute(0, 3, 1, 2)


def conv_norm(w, gain, bias, kernel, stride, pad, pool):
    x = images(2, 6, 4, 2) / 255 - 0.5
    o = w.shape[0]
    y = F.conv2d(x, w.reshape(o, kernel, kernel, 2).permute(0, 3, 1, 2), stride=stride, padding=pad)
    y = F.relu(F.group_norm(y, 2, gain.reshape(-1), bias.reshape(-1), 1e-5))
    if pool:
        y = F.max_pool2d(y, 2)
    return y.permute(0, 2, 3, 1)


def bce(x, table):
    pos, neg = [1, 0, 6, -1, 3], [[2, 3], [4, 5], [0, 1], [2, 2], [5, 6]]
    sum_ = 0
    for i in range(N):
        if pos[i] >= 0:
            sum_ = sum_ - F.logsigmoid(x[i] @ table[pos[i]]) - F.logsigmoid(-(table[neg[i]] @ x[i])).sum()
    return sum_


A, B, C = numbers(1, N, D), numbers(2, N, D), numbers(3, N, D)
W, b = numbers(4, D, D), numbers(5, 1, D)
gain, bias = numbers(6, 1, D) + 1, numbers(7, 1, D)
table = numbers(8, T, D)
case("linear", [A, W, b], lambda x, w, b: F.linear(x, w, b.reshape(-1)))
case("layernorm", [A, gain, bias], lambda x, g, b: F.layer_norm(x, (D,), g.reshape(-1), b.reshape(-1), 1e-5))
case("l2norm", [A], lambda x: F.normalize(x, dim=1, eps=1e-12))
case("relu", [A], F.relu)
case("gelu", [A], F.gelu)
case("gate", [A, B], lambda x, g: x * torch.sigmoid(g))
case("attention_causal", [A, B, C], lambda q, k, v: attention(q, k, v, True))
case("attention_full", [A, B, C], lambda q, k, v: attention(q, k, v, False))
case("pool_mean", [A], lambda x: torch.stack([s.mean(0) for s in sequences(x)]))
case("pool_max", [A], lambda x: torch.stack([s.max(0).values for s in sequences(x)]))
case("bag", [table], lambda t: F.embedding_bag(torch.tensor([1, 1, 6, 0, 3]), t, torch.tensor([0, 2]), mode="sum",
                                               per_sample_weights=torch.tensor([0.5, -2.0, 1.0, 0.25, 3.0])))
case("lstm", [numbers(9, N, 4 * H), numbers(10, 4 * H, H), numbers(11, 1, 4 * H)],
     lambda x, w, b: recurrent("lstm", x, w, b, False))
case("gru", [numbers(12, N, 3 * H), numbers(13, 3 * H, H), numbers(14, 1, 3 * H)],
     lambda x, w, b: recurrent("gru", x, w, b, False))
case("gru_reverse", [numbers(12, N, 3 * H), numbers(13, 3 * H, H), numbers(14, 1, 3 * H)],
     lambda x, w, b: recurrent("gru", x, w, b, True))
case("conv3x3_groupnorm_relu", [numbers(15, 4, 9 * 2), numbers(16, 1, 4) + 1, numbers(17, 1, 4)],
     lambda w, g, b: conv_norm(w, g, b, 3, 1, 1, False))
case("conv3x3_groupnorm_relu_pool", [numbers(15, 4, 9 * 2), numbers(16, 1, 4) + 1, numbers(17, 1, 4)],
     lambda w, g, b: conv_norm(w, g, b, 3, 1, 1, True))
case("conv3x3_stride2", [numbers(15, 4, 9 * 2), numbers(16, 1, 4) + 1, numbers(17, 1, 4)],
     lambda w, g, b: conv_norm(w, g, b, 3, 2, 1, False))
case("conv1x1", [numbers(18, 4, 2), numbers(16, 1, 4) + 1, numbers(17, 1, 4)],
     lambda w, g, b: conv_norm(w, g, b, 1, 1, 0, False))
case("softmax_ce", [A, table], lambda x, t: F.cross_entropy(x @ t.T / 0.7, torch.tensor([1, 0, 6, -1, 3]),
                                                           ignore_index=-1, reduction="sum"), loss=True)
case("bce", [A, table], bce, loss=True)

w = torch.nn.Parameter(numbers(20, 10))
adam = torch.optim.AdamW([w], lr=0.01, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.1)
for step in range(3):
    w.grad = numbers(21 + step, 10)
    adam.step()
cases["adamw"] = {"y": w.tolist(), "d": []}

print(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")))

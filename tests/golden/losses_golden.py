#!/usr/bin/env python3
"""What PyTorch's autograd gives for each loss of towers/loss/, in double: writes losses_golden.json.

    make bench-peers && build/peer/bin/python tests/golden/losses_golden.py > tests/golden/losses_golden.json

Written from the papers that towers/loss/loss.h names, over the cosines s of a batch; test_towers_losses_golden.c makes the same
cosines. A case is the loss and its gradient by s.
"""
import json

import torch
import torch.nn.functional as F

from layers_golden_numbers import numbers

torch.set_default_dtype(torch.float64)
B = 6
CLASSES = torch.tensor([0, 0, 1, 1, 2, 0])
LABELS = torch.tensor([1.0, 0, 1, 1, 0, 0])
SCORES = torch.tensor([0.9, 0.1, 0.4, 0.4, 0.7, -0.2])
cases = {}


def case(name, fn, columns=B, seed=1):
    s = (2 * numbers(seed, B, columns)).requires_grad_(True)
    loss = fn(s)
    loss.backward()
    cases[name] = {"loss": loss.item(), "ds": s.grad.reshape(-1).tolist()}


eye = torch.eye(B, dtype=torch.bool)
same = (CLASSES[:, None] == CLASSES[None, :]) & ~eye
other = CLASSES[:, None] != CLASSES[None, :]


def infonce(s, t=0.3, q=None):
    rows, columns = s / t, s.T / t
    if q is not None:
        rows, columns = rows - q, columns - q
    own = torch.arange(B)
    return (F.cross_entropy(rows, own) + F.cross_entropy(columns, own)) / 2


def supcon(s, t=0.5):
    logp = s / t - torch.logsumexp((s / t).masked_fill(eye, -torch.inf), 1, keepdim=True)
    rows = [-(logp[i][same[i]]).mean() for i in range(B) if same[i].any()]
    return torch.stack(rows).mean()


def sigmoid(s, scale=4.0, bias=-1.0):
    x = scale * s + bias
    return -(F.logsigmoid(x)[eye].sum() + F.logsigmoid(-x)[~eye].sum()) / B


def contrastive(s, pos, neg, margin=0.9):
    d = 1 - s
    inside = neg & (d < margin)
    return (d[pos] ** 2 / 2).mean() + ((margin - d[inside]) ** 2 / 2).mean()


def contrastive_labelled(s, margin=0.9):
    d = 1 - s.diagonal()
    return torch.where(LABELS > 0.5, d**2 / 2, torch.clamp(margin - d, min=0) ** 2 / 2).mean()


def hinges(s, triples, margin=0.4):
    v = torch.stack([2 * (s[i, n] - s[i, p]) + margin for i, p, n in triples])
    return v[v > 0].mean()


def batch_all(s):
    return hinges(s, [(i, p, n) for i in range(B) for p in range(B) if same[i, p] for n in range(B) if other[i, n]])


def semi_hard(s):
    triples = []
    for i in range(B):
        negatives = [n for n in range(B) if other[i, n]]
        for p in range(B):
            if not same[i, p]:
                continue
            below = [n for n in negatives if s[i, n] < s[i, p]]
            triples.append((i, p, max(below, key=lambda n: s[i, n]) if below else min(negatives, key=lambda n: s[i, n])))
    return hinges(s, triples)


def batch_hard(s, margin=0.2):
    d = torch.sqrt(2 - 2 * s)
    rows = []
    for i in range(B):
        if same[i].any() and other[i].any():
            rows.append(torch.clamp(d[i][same[i]].max() - d[i][other[i]].min() + margin, min=0))
    return torch.stack(rows).mean()


def negatives_of_pairs(columns, masked):
    """What each pair's row and column hold against it: all cells but its own, less those that are ignored."""
    i, j = torch.meshgrid(torch.arange(B), torch.arange(columns), indexing="ij")
    return (i != j) & ~((i + 2 * j) % 5 == 0) if masked else i != j


def triplet(s, masked=False, margin=0.4):
    """FaceNet's semi-hard negative of each row and each column; behind the square stand given negatives."""
    negative = negatives_of_pairs(s.shape[1], masked)
    triples = []

    def choose(values, own):
        below = [(v, cell) for v, cell in values if v < own]
        return max(below)[1] if below else min(values)[1]

    for i in range(B):
        own = s[i, i].item()
        row = [(s[i, j].item(), (i, j)) for j in range(s.shape[1]) if negative[i, j]]
        column = [(s[k, i].item(), (k, i)) for k in range(B) if negative[k, i]]
        triples += [(i, choose(line, own)) for line in (row, column) if line]
        if s.shape[1] > B:
            triples.append((i, (i, B + i)))
    v = torch.stack([2 * (s[n] - s[i, i]) + margin for i, n in triples])
    return v[v > 0].mean()


def infonce_given(s, t=0.3):
    """The given negatives are more columns of the rows' softmax; what is ignored is in none."""
    keep = negatives_of_pairs(s.shape[1], True) | torch.eye(B, s.shape[1], dtype=torch.bool)
    x, own = (s / t).masked_fill(~keep, -torch.inf), torch.arange(B)
    return (F.cross_entropy(x, own) + F.cross_entropy(x[:, :B].T, own)) / 2


def cosent(s, scale=5.0):
    c = s.diagonal()
    terms = [scale * (c[j] - c[i]) for i in range(B) for j in range(B) if SCORES[i] > SCORES[j]]
    return torch.logsumexp(torch.stack([torch.zeros(())] + terms), 0)


case("infonce", infonce)
case("infonce_logq", lambda s: infonce(s, q=numbers(2, B) - 2))
case("supcon", supcon)
case("sigmoid", sigmoid)
case("contrastive", lambda s: contrastive(s, same, other))
case("contrastive_labelled", contrastive_labelled)
case("batch_all", batch_all)
case("semi_hard", semi_hard)
case("batch_hard", batch_hard)
case("triplet", triplet)
case("triplet_masked", lambda s: triplet(s, masked=True))
case("triplet_given", lambda s: triplet(s, masked=True), 2 * B, 3)
case("infonce_given", infonce_given, 2 * B, 3)
case("cosent", cosent)
case("cosine", lambda s: ((s.diagonal() - SCORES) ** 2).mean())
print(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")))

#!/usr/bin/env python3
"""The model of bench_seq in PyTorch, as a good practitioner writes it, and both timed in the same rounds.

    seq_peer.py --bench build/bench/bench_seq --out OUT.json [--rounds 5] [--only NAME] [--no-compile]

What makes it fair:
- same model, weights' shapes, batch (128 users), float32, dropout, Adam, and as many threads; before anything is
  timed both compute the same query vectors from the same weights (`forward_error`);
- batches are padded to their longest sequence, on the right, so that causality alone hides the padding, no
  mask is needed and is_causal may be used; the loss is computed for real rows only;
- fused kernels where PyTorch has them (scaled_dot_product_attention, layer norm, Adam(fused=True)); eager and torch.compile
  are both tried on the first row, by CPU time, and what is faster there stands for all;
- batches, negatives included, are made beforehand and cost the peer nothing; twindex draws its own within the time;
- tokens are real targets on both sides; a round times the peer's epoch and twindex's epoch one after the other;
- beside the clock stands the CPU time of all threads (ratio_cpu), which a busy machine disturbs less; with more than one
  thread it counts the peer's waiting, which spins, so only rows with one thread should be read by it.

PyTorch's Adam moves every row of a table in every step; twindex only those that the step touched. That is part of
what is compared.
"""
import argparse
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

BASE = {"user_dim": 50, "item_dim": 50, "max_len": 200, "blocks": 2, "heads": 1, "norm": "authors", "loss": "bce",
        "dropout": 0.2, "batch": 128, "threads": 2, "users": 1024, "items": 3416, "active": 512, "lengths": "ml1m"}
LR, BETAS, EPS = 1e-3, (0.9, 0.98), 1e-8


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        d = c["user_dim"] + c["item_dim"]
        self.norm, self.heads, self.p = c["norm"], c["heads"], c["dropout"]
        self.norm1, self.norm2 = nn.LayerNorm(d, eps=EPS), nn.LayerNorm(d, eps=EPS)
        self.q = nn.Linear(d, d)
        self.kv = nn.Linear(d, 2 * d)
        self.w1, self.w2 = nn.Linear(d, d), nn.Linear(d, d)
        self.drop = nn.Dropout(c["dropout"])

    def attend(self, queries, rows):
        b, t, d = rows.shape
        if queries is rows:  # one product for all three
            w, bias = torch.cat((self.q.weight, self.kv.weight)), torch.cat((self.q.bias, self.kv.bias))
            q, k, v = F.linear(rows, w, bias).split(d, dim=2)
        else:
            q = self.q(queries)
            k, v = self.kv(rows).split(d, dim=2)
        q, k, v = (x.reshape(b, t, self.heads, d // self.heads).transpose(1, 2) for x in (q, k, v))
        p = self.p if self.training else 0.0
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=p)
        return out.transpose(1, 2).reshape(b, t, d)

    def feed(self, x):
        return self.drop(self.w2(self.drop(F.relu(self.w1(x)))))

    def forward(self, x):
        if self.norm == "pre":
            h = self.norm1(x)
            x = x + self.attend(h, h)
            return x + self.feed(self.norm2(x))
        h = self.norm1(x)
        x = h + self.attend(h, x)
        h = self.norm2(x)
        return h + self.feed(h)


class Model(nn.Module):
    """SSE-PT; SASRec where user_dim is 0."""

    def __init__(self, c):
        super().__init__()
        self.c = c
        d = c["user_dim"] + c["item_dim"]
        self.items = nn.Embedding(c["items"] + 1, c["item_dim"])
        self.users = nn.Embedding(c["users"] + 1, c["user_dim"]) if c["user_dim"] else None
        self.positions = nn.Embedding(c["max_len"], d)
        self.blocks = nn.ModuleList(Block(c) for _ in range(c["blocks"]))
        self.norm = nn.LayerNorm(d, eps=EPS)
        self.drop = nn.Dropout(c["dropout"])
        nn.init.normal_(self.items.weight, std=0.02)

    def rows(self, items, users, positions):
        x = self.items(items) * self.c["item_dim"] ** 0.5
        if self.users is not None:
            u = self.users(users) * self.c["user_dim"] ** 0.5
            x = torch.cat((x, u[:, None].expand(-1, x.shape[1], -1)), dim=2)
        x = self.drop(x + self.positions(positions))
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def loss(self, items, users, positions, real, row_users, targets, negatives):
        """real: places of the real rows in the padded batch; targets, negatives: of those rows."""
        f = self.rows(items, users, positions).flatten(0, 1).index_select(0, real)
        half = f[:, :self.c["item_dim"]]
        if self.c["loss"] == "ce":
            return F.cross_entropy(F.linear(half, self.items.weight[1:]), targets - 1)
        pos = (half * self.items(targets)).sum(1)
        neg = (half * self.items(negatives)).sum(1)
        if self.users is not None:
            u = (f[:, self.c["item_dim"]:] * self.users(row_users)).sum(1) * self.c["user_dim"] ** 0.5
            pos, neg = pos + u, neg + u
        return (F.softplus(-pos) + F.softplus(neg)).mean()


def load(model, path):
    """Takes the weights of a twindex checkpoint."""
    with open(path, "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        head = json.loads(f.read(size))
        body = f.read()

    def tensor(name):
        begin, end = head[name]["data_offsets"]
        return torch.from_numpy(np.frombuffer(body[begin:end], dtype=np.float32).reshape(head[name]["shape"]).copy())

    with torch.no_grad():
        model.items.weight.copy_(tensor("items"))
        model.positions.weight.copy_(tensor("positions"))
        if model.users is not None:
            model.users.weight.copy_(tensor("users"))
        for i, b in enumerate(model.blocks):
            t = {n.split(".", 1)[1]: tensor(n) for n in head if n.startswith(f"block{i}.")}
            for layer, name in ((b.q, "query"), (b.w1, "ffn1"), (b.w2, "ffn2")):
                layer.weight.copy_(t[name + ".weight"])
                layer.bias.copy_(t[name + ".bias"][0])
            b.kv.weight.copy_(torch.cat((t["key.weight"], t["value.weight"])))
            b.kv.bias.copy_(torch.cat((t["key.bias"], t["value.bias"]), 1)[0])


def read_histories(path):
    histories = {}
    with open(path, encoding="ascii") as f:
        for line in f:
            user, item = line.split()
            histories.setdefault(int(user), []).append(int(item))
    return histories


def make_batches(histories, c):
    """The last two items are held out; the last max_len steps of the rest are the rows of a user."""
    rng = np.random.default_rng(1)
    users = [u for u in histories if len(histories[u]) >= 4]
    rng.shuffle(users)
    batches = []
    for at in range(0, len(users), c["batch"]):
        part = users[at:at + c["batch"]]
        rows = [histories[u][:-2][-c["max_len"] - 1:] for u in part]
        longest = max(len(r) for r in rows) - 1
        items = np.zeros((len(part), longest), dtype=np.int64)
        positions = np.zeros_like(items)
        real, row_users, targets, negatives = [], [], [], []
        for i, (u, r) in enumerate(zip(part, rows)):
            n = len(r) - 1
            items[i, :n] = r[:-1]
            positions[i, :n] = np.arange(c["max_len"] - n, c["max_len"])
            real.append(i * longest + np.arange(n))
            row_users.append(np.full(n, u))
            targets.append(r[1:])
            seen = np.zeros(c["items"] + 1, dtype=bool)
            seen[histories[u][:-2]] = True
            drawn = rng.integers(1, c["items"] + 1, n)
            while seen[drawn].any():
                drawn = np.where(seen[drawn], rng.integers(1, c["items"] + 1, n), drawn)
            negatives.append(drawn)
        batches.append([torch.from_numpy(np.asarray(x)) for x in (
            items, np.asarray(part), positions, np.concatenate(real), np.concatenate(row_users),
            np.concatenate(targets), np.concatenate(negatives))])
    return batches


def arguments(c):
    return [f"{k}={v}" for k, v in c.items()]


def twindex(bench, *args):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "MKL_", "OPENBLAS_"))}
    done = subprocess.run([bench, *args], check=True, stdout=subprocess.PIPE, env=env)
    return json.loads(done.stdout or "{}")


def forward_error(bench, c, histories, folder):
    """The largest difference of query vectors computed by both from the same weights."""
    path = os.path.join(folder, "model.safetensors")
    twindex(bench, "model", path, *arguments(c))
    theirs = twindex(bench, "check", path, *arguments(c))["queries"]
    model = Model(c).eval()
    load(model, path)
    worst = 0.0
    with torch.no_grad():
        for user, want in enumerate(theirs, 1):
            items = torch.tensor([histories[user][:-2][:-1][-c["max_len"]:]])
            n = items.shape[1]
            positions = torch.arange(c["max_len"] - n, c["max_len"])[None]
            got = model.rows(items, torch.tensor([user]), positions)[0, -1, :c["item_dim"]]
            worst = max(worst, (got - torch.tensor(want)).abs().max().item())
    return worst


class Peer:
    """A model in training."""

    def __init__(self, c, compiled):
        torch.manual_seed(1)
        self.model = Model(c)
        self.adam = torch.optim.Adam(self.model.parameters(), lr=LR, betas=BETAS, eps=EPS, fused=True)
        self.loss = torch.compile(self.model.loss) if compiled else self.model.loss

    def step(self, batch):
        self.adam.zero_grad(set_to_none=True)
        loss = self.loss(*batch)
        loss.backward()
        self.adam.step()
        return loss.item()

    def epoch(self, batches):
        """Tokens a second, by the clock and by the CPU time of all threads."""
        start, cpu = time.perf_counter(), time.process_time()
        for batch in batches:
            self.step(batch)
        tokens = sum(len(b[3]) for b in batches)
        return tokens / (time.perf_counter() - start), tokens / (time.process_time() - cpu)


def fastest_peer(c, batches, compile_too):
    """Warmed up; (peer, "eager" or "compiled", what was seen of the other)."""
    eager = Peer(c, False)
    eager.epoch(batches[:2])
    if not compile_too:
        return eager, "eager", None
    try:
        compiled = Peer(c, True)
        compiled.epoch(batches[:3])  # compiles, for one size and for any
        rates = [(eager.epoch(batches[:4])[1], compiled.epoch(batches[:4])[1]) for _ in range(2)]
        gain = max(r[1] for r in rates) / max(r[0] for r in rates)
    except Exception as e:  # no compiler on this machine: the peer is what its package gives
        print(f"torch.compile does not work here: {str(e).splitlines()[0]}", file=sys.stderr)
        return eager, "eager", None
    return (compiled, "compiled", gain) if gain > 1 else (eager, "eager", gain)


def median(rounds, key):
    return statistics.median(r[key] for r in rounds)


def compare(args, name, changes, folder):
    c = {**BASE, **changes}
    torch.set_num_threads(c["threads"])
    path = os.path.join(folder, "histories.txt")
    twindex(args.bench, "histories", path, *arguments(c))
    histories = read_histories(path)
    error = forward_error(args.bench, c, histories, folder)
    if not error < 1e-3:
        sys.exit(f"{name}: the two models differ by {error}: this would compare different arithmetic")
    batches = make_batches(histories, c)
    peer, kind, gain = fastest_peer(c, batches, args.compile)
    args.compile = kind == "compiled"
    rounds = []
    for _ in range(args.rounds):
        theirs, theirs_cpu = peer.epoch(batches)
        ours = twindex(args.bench, "step", *arguments(c))
        rounds.append({"ratio": ours["tokens_per_s"] / theirs, "ratio_cpu": ours["tokens_per_cpu_s"] / theirs_cpu,
                       "peer_tokens_per_s": theirs, "peer_tokens_per_cpu_s": theirs_cpu, **ours})
    padded = sum(b[0].numel() for b in batches)
    row = {"name": name, "tokens_per_s": median(rounds, "tokens_per_s"),
           "peer_tokens_per_s": median(rounds, "peer_tokens_per_s"), "ratio": median(rounds, "ratio"),
           "ratio_cpu": median(rounds, "ratio_cpu"), "gemm_share": median(rounds, "gemm_share"), "peak_mib": median(rounds, "peak_mib"), "peer": kind,
           "peer_compiled_over_eager": gain, "peer_rows_that_are_padding": 1 - rounds[0]["tokens"] / padded,
           "forward_error": error, "settings": c, "rounds": rounds}
    print(f"{name:34} {row['tokens_per_s']:9.0f} {row['peer_tokens_per_s']:9.0f} {row['ratio']:7.2f} "
          f"{row['ratio_cpu']:7.2f} {row['gemm_share']:6.2f}  {kind}", file=sys.stderr, flush=True)
    return row


def scaling(args):
    """Each beside the usual setting in the same round: tokens a second, relative."""
    cases = [("length 50", {"max_len": 50}), ("length 100", {"max_len": 100}),
             ("width 50", {"user_dim": 25, "item_dim": 25}), ("width 200", {"user_dim": 100, "item_dim": 100}),
             ("10x the users", {"users": 10240}), ("10x the items", {"items": 34160}),
             ("100x the items", {"items": 341600})]
    rows = []
    for name, changes in cases:
        rounds = []
        for _ in range(args.rounds):
            usual = twindex(args.bench, "step", *arguments(BASE))["tokens_per_s"]
            rounds.append(twindex(args.bench, "step", *arguments({**BASE, **changes}))["tokens_per_s"] / usual)
        rows.append({"name": name, "changes": changes, "ratio_to_usual": statistics.median(rounds), "rounds": rounds})
        print(f"{name:34} {rows[-1]['ratio_to_usual']:7.2f} of the usual rate", file=sys.stderr, flush=True)
    return rows


def latencies(args):
    rows = []
    for length in (50, 200):
        c = {"user_dim": 0, "item_dim": 100, "max_len": length, "items": 100000, "users": 1, "active": 1,
             "lengths": 20, "heads": 1}
        rows.append({"name": f"next, T = {length}", "settings": c, **twindex(args.bench, "next", *arguments(c))})
        print(f"{rows[-1]['name']:34} p50 {rows[-1]['next']['p50_us']:7.0f} us  p99 {rows[-1]['next']['p99_us']:7.0f} us",
              file=sys.stderr, flush=True)
    return rows


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--bench", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--only", help="one row by its name, and nothing else")
    p.add_argument("--no-compile", dest="compile", action="store_false")
    args = p.parse_args()

    cases = [("sse-pt, authors, bce", {}), ("sse-pt, authors, bce, 1 thread", {"threads": 1}), ("sse-pt, authors, ce", {"loss": "ce"}),
             ("sse-pt, pre, bce", {"norm": "pre"}), ("sse-pt, pre, ce", {"norm": "pre", "loss": "ce"}),
             ("sasrec, authors, bce", {"user_dim": 0, "item_dim": 100}),
             ("sasrec, pre, ce", {"user_dim": 0, "item_dim": 100, "norm": "pre", "loss": "ce"}),
             ("sse-pt, bce, no dropout", {"dropout": 0}),
             ("sse-pt, bce, nothing padded", {"lengths": 203})]
    if args.only:
        cases = [x for x in cases if x[0] == args.only] or sys.exit(f"no row is named {args.only}")
    print(f"{'tokens/s':34} {'twindex':>9} {'PyTorch':>9} {'ratio':>7} {'by CPU':>7} {'gemm':>6}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        rows = [compare(args, name, changes, folder) for name, changes in cases]
    head = rows[0]
    out = {k: head[k] for k in ("tokens_per_s", "peer_tokens_per_s", "ratio", "ratio_cpu", "gemm_share", "peak_mib")}
    out.update(headline=head["name"], command="sh bench/speed/seq_speed.sh OUT.json", torch=torch.__version__,
               threads=BASE["threads"], rounds=args.rounds, load_after=os.getloadavg()[0], rows=rows)
    if not args.only:
        out.update(scaling=scaling(args), next=latencies(args))
    with open(args.out, "w", encoding="utf-8") as f:
        json.dump(out, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()

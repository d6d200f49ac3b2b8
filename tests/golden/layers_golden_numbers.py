"""The inputs of the golden cases, exact in binary, as the C tests make them."""
import torch

torch.set_default_dtype(torch.float64)


def numbers(seed, *shape):
    n = 1
    for s in shape:
        n *= s
    x, out = (seed * 2654435761 + 12345) % 2**32, []
    for _ in range(n):
        x = (x * 1664525 + 1013904223) % 2**32
        out.append(((x >> 8) % 4096) / 4096 - 0.5)
    return torch.tensor(out).reshape(shape)

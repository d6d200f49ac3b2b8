#!/usr/bin/env python3
"""Writes towers/text/text_unicode_tables.h from the Unicode data of this Python.

Run from the repository root: python3 towers/text/text_unicode_gen.py > towers/text/text_unicode_tables.h
What is written is part of every stored text tower with a WordPiece vocabulary: a later Unicode
would cut some texts into other tokens, so run it again only with a new version of the format.
"""
import sys
import unicodedata as u

SPACES = {9, 10, 13}
# Compatibility ideographs keep their own number: their 1,000 single replacements are Han characters,
# which stand alone as tokens and are in few vocabularies.
HAN = [(0xF900, 0xFAFF), (0x2F800, 0x2FA1F)]
HANGUL = (0xAC00, 0xD7A3)  # decomposed by rule


def points():
    return (c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF)


def ranges(wanted):
    out = []
    for c in points():
        if not wanted(c):
            continue
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def fold(c):
    """Canonical decomposition without marks, in lower case; None where it is not one character."""
    s = "".join(x for x in u.normalize("NFD", chr(c)) if u.category(x) != "Mn")
    s = "".join(x for x in s.lower() if u.category(x) != "Mn")
    return ord(s) if len(s) == 1 else None


def lower(c):
    """Lower case; None where it is not one character (U+0130 alone)."""
    s = chr(c).lower()
    return ord(s) if len(s) == 1 else None


def folds(fold):
    """Runs (first, count, step, target, target step)."""
    pairs = []
    for c in points():
        if any(a <= c <= b for a, b in HAN) or HANGUL[0] <= c <= HANGUL[1]:
            continue
        f = fold(c)
        if f is not None and f != c:
            pairs.append((c, f))
    runs, i = [], 0
    while i < len(pairs):
        best = (1, 1, 0)
        for step in (1, 2):
            for tstep in (0, 1, 2):
                n = 1
                while (i + n < len(pairs) and pairs[i + n][0] == pairs[i][0] + n * step
                       and pairs[i + n][1] == pairs[i][1] + n * tstep):
                    n += 1
                if n > best[0]:
                    best = (n, step, tstep)
        n, step, tstep = best
        runs.append((pairs[i][0], n, step, pairs[i][1], tstep))
        i += n
    return runs


def rows(items):
    line = "   "
    for text in items:
        if len(line) + len(text) + 2 > 98:
            print(line)
            line = "   "
        line += " " + text + ","
    print(line)


def table(name, what, items):
    print(f"\n/* {what} */\nstatic const tw_range {name}[] = {{")
    rows(f"{{0x{a:x}, 0x{b:x}}}" for a, b in items)
    print("};")


def main():
    print(f"""/* Written by text_unicode_gen.py from Unicode {u.unidata_version}; do not edit. */
#ifndef TW_TOWERS_TEXT_UNICODE_TABLES_H
#define TW_TOWERS_TEXT_UNICODE_TABLES_H

#include <stdint.h>

/* clang-format off */
typedef struct tw_range {{ uint32_t first, last; }} tw_range;

/* first + k * step becomes to + k * to_step, for k in [0, count). */
typedef struct tw_fold_run {{ uint32_t first; uint16_t count; uint8_t step, to_step; uint32_t to; }} tw_fold_run;""")
    table("MARKS", "Mn: accents and other marks that take no room.",
          ranges(lambda c: u.category(chr(c)) == "Mn"))
    table("CONTROLS", "Cc, Cf and Co but tab and line ends, and U+FFFD.",
          ranges(lambda c: c == 0xFFFD or
                 (u.category(chr(c)) in ("Cc", "Cf", "Co") and c not in SPACES)))
    table("PUNCTUATION", "P*, outside ASCII.",
          ranges(lambda c: c > 0x7F and u.category(chr(c))[0] == "P"))
    for name, what, one in (("FOLDS", "Lower case of the base letter.", fold),
                            ("LOWERS", "Lower case with its accents.", lower)):
        print(f"\n/* {what} */\nstatic const tw_fold_run {name}[] = {{")
        rows(f"{{0x{a:x}, {n}, {s}, {ts}, 0x{t:x}}}" for a, n, s, t, ts in folds(one) if a > 0x7F)
        print("};")
    print("/* clang-format on */\n\n#endif")


if __name__ == "__main__":
    sys.exit(main())

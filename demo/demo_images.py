"""What `make demo-images` does beside twindex itself; see demo/demo_images.sh.

    demo_images.py catalogue WORK           emoji.csv of the two packages, unpacked in WORK/package
    demo_images.py ask WORK PROGRAM         questions, answers, sheet.png
    demo_images.py report WORK SECONDS      report.json

The standard library alone: PNG is read and written here as far as 64 by 64 pixels need it.
"""
import csv
import glob
import json
import os
import struct
import subprocess
import sys
import zlib

VENDORS = ("google", "twitter")
SIDE, GAP = 64, 4
WORDS = ("heart", "smiling face", "clock", "cat", "flag", "moon", "hand", "train")


def emoji(work):
    """(code, name, category, file) of what both vendors drew; every third is kept for asking."""
    for e in json.load(open(f"{work}/package/emoji.json")):
        files = [f"package/img/{vendor}/64/{e['image']}" for vendor in VENDORS]
        if all(os.path.exists(f"{work}/{f}") for f in files):
            yield e["image"][:-4], (e["name"] or e["short_name"]).lower(), e["category"], files, e["short_names"]


def catalogue(work):
    rows = held = 0
    with open(f"{work}/emoji.csv", "w", newline="") as f:
        out = csv.writer(f)
        out.writerow(["id", "title", "text", "image", "emoji", "category"])
        for k, (code, name, category, files, names) in enumerate(emoji(work)):
            words = ", ".join(n.replace("_", " ").replace("-", " ") for n in names)
            asked = k % 3 == 2
            for vendor, file in zip(VENDORS, files):
                said = [name, words] if vendor == VENDORS[0] else ["", ""]
                out.writerow([f"{vendor}/{code}", *said, file, "" if asked else code, category])
            rows += 2
            held += asked
    print(f"catalogue  {rows} drawings of {rows // 2} emoji, Google's with their names, Twitter's without a word;\n"
          f"           {held} emoji are left for asking")


# ---- PNG -------------------------------------------------------------------------------------------------


def unfilter(data, height, stride, step):
    rows, before = [], bytearray(stride)
    for y in range(height):
        kind, row = data[y * (stride + 1)], bytearray(data[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            a = row[i - step] if i >= step else 0
            b, c = before[i], before[i - step] if i >= step else 0
            if kind == 1:
                p = a
            elif kind == 2:
                p = b
            elif kind == 3:
                p = (a + b) // 2
            elif kind == 4:
                d = a + b - c
                p = min((abs(d - a), 0, a), (abs(d - b), 1, b), (abs(d - c), 2, c))[2]
            else:
                p = 0
            row[i] = (row[i] + p) & 255
        rows.append(row)
        before = row
    return rows


def read_png(path):
    """Rows of (r, g, b) on white."""
    data, at, body, palette, clear = open(path, "rb").read(), 8, b"", b"", b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        chunk = data[at + 8:at + 8 + size]
        at += 12 + size
        if kind == b"IHDR":
            width, height, bits, colour = struct.unpack(">IIBB", chunk[:10])
        elif kind == b"PLTE":
            palette = chunk
        elif kind == b"tRNS":
            clear = chunk
        elif kind == b"IDAT":
            body += chunk
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    image = []
    for row in unfilter(zlib.decompress(body), height, (width * samples * bits + 7) // 8, max(1, samples * bits // 8)):
        line = []
        for x in range(width):
            v = [row[(x * samples + k) * bits // 8] >> (8 - bits - (x * samples + k) * bits % 8) & (1 << bits) - 1
                 for k in range(samples)]
            if colour == 3:
                v = list(palette[3 * v[0]:3 * v[0] + 3]) + [clear[v[0]] if v[0] < len(clear) else 255]
            elif colour in (0, 4):
                v = v[:1] * 3 + v[1:]
            a = v[3] if len(v) == 4 else 255
            line.append(tuple((c * a + 255 * (255 - a)) // 255 for c in v[:3]))
        image.append(line)
    return image


def write_png(path, image):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    body = b"".join(b"\0" + bytes(c for p in row for c in p) for row in image)
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", len(image[0]), len(image), 8, 2, 0, 0, 0)) +
                chunk(b"IDAT", zlib.compress(body, 9)) + chunk(b"IEND", b""))


def sheet(work, rows):
    """rows of lists of files; the first of a row, the question, stands apart; None: words asked."""
    width = (SIDE + GAP) * max(map(len, rows)) + 3 * GAP
    canvas = [[(255, 255, 255)] * width for _ in range((SIDE + GAP) * len(rows) + GAP)]
    for r, files in enumerate(rows):
        for c, file in enumerate(files):
            x0, y0 = GAP + (SIDE + GAP) * c + (2 * GAP if c > 0 else 0), GAP + (SIDE + GAP) * r
            for y, line in enumerate(read_png(f"{work}/{file}") if file else []):
                canvas[y0 + y][x0:x0 + len(line)] = line
    write_png(f"{work}/sheet.png", canvas)


# ---- asking ----------------------------------------------------------------------------------------------


def similar(program, work, k, **shown):
    command = [program, "similar", "--dir", f"{work}/data", "-k", str(k), "--json"]
    for kind, value in shown.items():
        command += [f"--{kind}", value]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["results"]


def ask(work, program):
    asked = [e for k, e in enumerate(emoji(work)) if k % 3 == 2]
    file_of = {f"{vendor}/{e[0]}": f for e in emoji(work) for vendor, f in zip(VENDORS, e[3])}
    name_of = {f"{vendor}/{e[0]}": e[1] for e in emoji(work) for vendor in VENDORS}
    rows, ranks = [], []
    for n, (code, name, _, files, _) in enumerate(asked[::max(1, len(asked) // 100)][:100]):
        own, twin = f"{VENDORS[0]}/{code}", f"{VENDORS[1]}/{code}"
        found = [h["id"] for h in similar(program, work, 11, image=f"{work}/{files[0]}") if h["id"] != own]
        ranks.append(found.index(twin) + 1 if twin in found else None)
        if n % 10 == 0:
            rows.append([files[0]] + [file_of[i] for i in found[:8]])
    first, ten = (sum(r is not None and r <= k for r in ranks) for k in (1, 10))
    print(f"\nshown one vendor's drawing of an emoji that was never learnt, the other vendor's is found\n"
          f"  first {first} times, among the first ten {ten} times, of {len(ranks)}, in {len(file_of) - 1} drawings "
          f"(by chance first {len(ranks) / (len(file_of) - 1):.2f} times)")
    print("\nasked with words, of Twitter's drawings, which came without any, the nearest are drawings of")
    for words in WORDS:
        found = [h["id"] for h in similar(program, work, 200, text=words)]
        wordless = [i for i in found if i.startswith(VENDORS[1])][:8]
        print(f"  {words:16} {', '.join(name_of[i] for i in wordless[:4])}")
        rows.append([None] + [file_of[i] for i in wordless])
    sheet(work, rows)
    json.dump({"asked": len(ranks), "first": first, "among_ten": ten, "drawings": len(file_of)},
              open(f"{work}/answers.json", "w"))


def report(work, seconds):
    newest = sorted(glob.glob(f"{work}/data/models/*/towers.report.json"))[-1]
    answers = json.load(open(f"{work}/answers.json"))
    json.dump({"images": answers, "towers_training": json.load(open(newest)), "seconds": int(seconds),
               "command": "make demo-images"}, open(f"{work}/report.json", "w"), indent=2)
    print(f"\n{answers['first']} of {answers['asked']} twins found first, in {seconds} s in all.")


if __name__ == "__main__":
    {"catalogue": catalogue, "ask": ask, "report": report}[sys.argv[1]](*sys.argv[2:])

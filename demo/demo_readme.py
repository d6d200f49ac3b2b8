"""Holds the README beside what `make demo` printed.

    demo_readme.py OUT            exit 1 and a sentence for each line that differs
    demo_readme.py OUT --write    puts what was printed into the README

OUT is what the demo wrote to its stdout. What no CPU and no moment moves (counts, baselines that are counted, every
word) must be the same. Figures of trained models depend on the CPU's matrix kernels: they may differ by a tenth.
Lists of films need the same number of lines; times, ports and epochs are free. The figures of the table
"Honest numbers" must be those of the block, rounded: this is true of the README alone.
"""
import re
import sys

README = "README.md"
FIRST = "twindex: from a catalogue and a log of who watched what, to a service"
BLOCK = re.compile(r"(?<=```\n)" + re.escape(FIRST) + r"\n.*?(?=```\n)", re.S)
TRAINED = re.compile(r" +(trained towers|untrained towers|SSE-PT|user unknown to it) ")
LISTED = re.compile(r" *(\d+)  ")
FREE = (  # what belongs to a moment or a CPU
    (r"from .*(checksum verified|fetched earlier)$", "from SOMEWHERE"), (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"\d+(\.\d+)? s\b", "N s"), (r"best \d+", "best N"), (r"next film \d\.\d times", "next film N times"),
)


def printed(path):
    """The lines of a run, without what make says around them and without the line of progress."""
    text = re.sub(r"\033\[\d*m", "", open(path, encoding="utf-8").read())
    story = re.search(re.escape(FIRST) + r"\n.*\nlook further [^\n]*\n", text, re.S)
    if story is None:
        sys.exit(f"demo_readme: {path} does not hold a whole run of the demo")
    lines = [line for line in story[0].split("\n") if not re.match(r"(towers|seq)  ", line)]
    return "\n".join(lines)


def same(ours, run):
    if TRAINED.match(ours):
        pairs = list(zip(ours.split()[-4:], run.split()[-4:]))
        return ours[:29].rstrip() == run[:29].rstrip() and all(
            abs(float(a) - float(b)) <= 0.1 * float(b) for a, b in pairs)
    if LISTED.match(ours):
        rank = LISTED.match(run)
        return rank is not None and rank[1] == LISTED.match(ours)[1]
    for pattern, name in FREE:
        ours, run = re.sub(pattern, name, ours), re.sub(pattern, name, run)
    return ours == run


def differences(block, run):
    ours, theirs = block.split("\n"), run.split("\n")
    for a, b in zip(ours, theirs):
        if not same(a, b):
            yield f"README has '{a}' where the demo prints '{b}'"
    if len(ours) != len(theirs):
        yield f"README has {len(ours)} lines of the demo, which prints {len(theirs)}"


def figures(block, label):
    return [float(x) for x in re.search(rf"^ +{re.escape(label)} +([\d. ]+)$", block, re.M)[1].split()]


def table(readme, block):
    """Rows of "Honest numbers" that are not what the block has, rounded."""
    seq, unseen, towers = figures(block, "SSE-PT"), figures(block, "user unknown to it"), figures(block, "trained towers")
    popular = [figures(part, "popularity") for part in block.split("2. What comes next?")]
    wanted = (
        ("next film", f"NDCG@10 {seq[1]:.3f}, HR@10 {seq[0]:.3f} (standard error {seq[2]:.2g})",
         f"popularity NDCG@10 {popular[1][1]:.3f}, HR@10 {popular[1][0]:.3f}"),
        ("the first row, as an unseen user", f"NDCG@10 {unseen[1]:.3f}, HR@10 {unseen[0]:.3f}"),
        ("similar films", f"NDCG@10 {towers[1]:.3f} (standard error {towers[2]:.2g})",
         f"tf-idf NDCG@10 {figures(block, 'tf-idf of the texts')[1]:.3f}; untrained towers "
         f"{figures(block, 'untrained towers')[1]:.3f}; popularity {popular[0][1]:.3f}"),
    )
    for question, *parts in wanted:
        row = next((line for line in readme.split("\n") if line.startswith(f"| {question} |")), "")
        for part in parts:
            if part not in row:
                yield f"README's row '{question}' lacks '{part}'"


def main(out, *rest):
    readme = open(README, encoding="utf-8").read()
    block, run = BLOCK.search(readme)[0], printed(out)
    if rest == ("--write",):
        readme = readme.replace(block, run)
        open(README, "w", encoding="utf-8").write(readme)
        block = run
    bad = [*differences(block, run), *table(readme, block)]
    for sentence in bad:
        print("demo_readme:", sentence)
    return 1 if bad else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))

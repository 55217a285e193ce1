"""python -m tests.fuzz: damaged files for every reader, and a table of what became of them.

--files 10000   so many for each reader
--keep FOLDER   defects' files are written there
text hdf5 …     only these readers
"""

import argparse
import re
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.fuzz.harness import HEAD, fuzz, line
from tests.fuzz.mutate import case
from tests.fuzz.seeds import READERS, seeds_of


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readers", nargs="*", default=list(READERS))
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    print(HEAD)
    defects = 0
    for name in asked.readers:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
            tally = fuzz(name, asked.files, Path(place) / name, asked.first)
            print(line(tally), flush=True)
            defects += len(tally.defects)
            tell(tally)
            if asked.keep:
                keep(tally, asked.keep, Path(place) / "seeds")
    sys.exit(defects > 0)


def tell(tally):
    """Each kind of defect once, with an example."""
    kinds = Counter(re.sub(r"case-\d+", "", d["what"])[:110] for d in tally.defects)
    for what, count in kinds.most_common(25):
        example = next(
            d for d in tally.defects if re.sub(r"case-\d+", "", d["what"]).startswith(what)
        )
        print(f"   {count:5} × case {example['k']} ({example['seed']}): {example['what'][:400]!r}")


def kind_of(defect):
    return re.sub(r"case-\d+", "", defect["what"])[:110]


def keep(tally, folder, seeds):
    folder.mkdir(parents=True, exist_ok=True)
    made = seeds_of(tally.reader, seeds)
    for defect in tally.defects:
        path = folder / f"{tally.reader}-{defect['k']}"
        path.write_bytes(case(made, tally.reader, defect["k"])[1])
    shutil.copytree(seeds, folder / f"{tally.reader}-seeds", dirs_exist_ok=True)


if __name__ == "__main__":
    main()

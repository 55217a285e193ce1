"""python -m tests.fuzz: damaged files for every reader, and a table of what became of them.

--files 10000   so many for each reader; of model files a tenth
--first 0       the number of the first: each number is a file of its own
--keep FOLDER   defects' files are written there
text hdf5 …     only these readers or kinds of model files
"""

import argparse
import re
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.fuzz.harness import HEAD, fuzz, line, subject
from tests.fuzz.models import KINDS
from tests.fuzz.mutate import case
from tests.fuzz.readers import READERS


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("readers", nargs="*", default=[*READERS, *KINDS])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    print(HEAD)
    defects = 0
    for name in asked.readers:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
            files = asked.files // 10 if name in KINDS else asked.files
            tally = fuzz(name, files, Path(place) / name, asked.first)
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
    made, _ = subject(tally.reader, seeds)
    for defect in tally.defects:
        path = folder / f"{tally.reader}-{defect['k']}"
        path.write_bytes(case(made, tally.reader, defect["k"])[1])
    shutil.copytree(seeds, folder / f"{tally.reader}-seeds", dirs_exist_ok=True)


if __name__ == "__main__":
    main()

"""All claims: each file in a process of its own, then one table of what they found."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from side_by_side import QUICK, RESULTS, Row, table, told

HERE = Path(__file__).parent
FILES = sorted(p for p in HERE.glob("*.py") if p.stem not in ("__main__", "side_by_side", "table"))


def main() -> int:
    """Run the files, print the table; 1 where a file failed. A missed claim is marked, no fault."""
    results, failed = [], []
    for file in FILES:
        kept = RESULTS / f"{file.stem}.json"
        kept.unlink(missing_ok=True)
        print(f"\n=== {file.stem} ===", flush=True)
        if subprocess.run([sys.executable, str(file), *sys.argv[1:]]).returncode:
            failed.append(file.stem)
        else:
            results.append(json.loads(kept.read_text()))
    report(results)
    for name in failed:
        print(f"FAILED, and not in the table: {name}")
    return 1 if failed else 0


def report(results: list[dict[str, Any]]) -> None:
    """One table of all claims, what was tried where one is missed, and who was left out."""
    cells, tried = [], []
    for result in results:
        for kept in result["rows"]:
            mark, row = kept.pop("mark"), Row(**kept)
            cells.append(row.cells(result["machine"]["threads"]))
            if mark == "MISSED" and row.tried:
                tried.append(f"{row.claim}: missed; tried {row.tried}")
    marks = [line[-1] for line in cells]
    print(f"\n{table(cells)}\n")
    for facts in {result["machine"]["threads"]: result["machine"] for result in results}.values():
        print(told(facts))
    print(f"{marks.count('holds')} claims hold, {marks.count('MISSED')} are missed.")
    left_out = dict.fromkeys(line for result in results for line in result["left_out"])
    for line in (*tried, *left_out, *([QUICK] if "--quick" in sys.argv else [])):
        print(line)


if __name__ == "__main__":
    sys.exit(main())

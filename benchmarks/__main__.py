"""All claims: each file in a process of its own, then one table of what they found."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from side_by_side import RESULTS, Row, table, told

HERE = Path(__file__).parent
FILES = sorted(p for p in HERE.glob("*.py") if p.stem not in ("__main__", "side_by_side"))


def main() -> int:
    """Run the files, print the table; 1 where a file failed. A missed claim is marked, no fault."""
    rows, failed, left_out, facts = [], [], {}, {}
    for file in FILES:
        kept = RESULTS / f"{file.stem}.json"
        kept.unlink(missing_ok=True)
        print(f"\n=== {file.stem} ===", flush=True)
        if subprocess.run([sys.executable, str(file), *sys.argv[1:]]).returncode:
            failed.append(file.stem)
            continue
        result = json.loads(kept.read_text())
        facts = facts or result["machine"]
        left_out |= dict.fromkeys(result["left_out"])
        rows += [
            Row(**{key: value for key, value in row.items() if key != "mark"})
            for row in result["rows"]
        ]
    print(f"\n{told(facts) if facts else ''}\n\n{table([row.cells for row in rows])}\n")
    marks = [row.mark for row in rows]
    print(f"{marks.count('holds')} claims hold, {marks.count('MISSED')} are missed.")
    for row in rows:
        if row.mark == "MISSED" and row.tried:
            print(f"  {row.claim}: tried {row.tried}")
    print("\n".join(left_out), *(f"FAILED: {name}" for name in failed), sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

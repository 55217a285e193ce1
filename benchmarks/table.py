"""The measured claims in docs/performance.md, between two comments, from what `make bench` found.

python benchmarks/table.py
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

from side_by_side import HEAD, RESULTS, Row, told

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def main() -> int:
    """Write the page; 2 with a sentence where there is nothing to write."""
    try:
        kept = results()
        page = filled(PAGE.read_text(encoding="utf-8"), kept)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    PAGE.write_text(page, encoding="utf-8")
    print(f"{PAGE}: {sum(len(found['rows']) for found in kept.values())} claims")
    return 0


def results() -> dict[str, dict[str, Any]]:
    """What each file of benchmarks found, by its name.

    Raises ValueError where there is nothing, or where a quick run left it.
    """
    kept = {
        path.stem: json.loads(path.read_text("utf-8")) for path in sorted(RESULTS.glob("*.json"))
    }
    if not kept:
        raise ValueError(f"the table needs results in {RESULTS}; there are none. Run make bench.")
    if quick := [name for name, found in kept.items() if found["quick"]]:
        raise ValueError(
            f"the table needs whole runs; {', '.join(quick)} had a tenth of the events. Run make"
            " bench."
        )
    return kept


def filled(page: str, kept: dict[str, dict[str, Any]]) -> str:
    """The page with these results between its two comments.

    Raises ValueError where it does not hold each of them once.
    """
    if (page.count(BEGIN), page.count(END)) != (1, 1):
        raise ValueError(
            f"the page must hold {BEGIN} and {END} once each, for the table to go between."
        )
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{markdown(kept)}\n\n{END}{rest.split(END)[1]}"


def markdown(kept: dict[str, dict[str, Any]]) -> str:
    """A table for each file, and the machine that measured them."""
    tables = [
        f"**{title(name)}**\n\n{table(found)}" for name, found in kept.items() if found["rows"]
    ]
    machines = {found["machine"]["threads"]: found["machine"] for found in kept.values()}
    versions = next(iter(machines.values()))["versions"]
    facts = [f"{told(machine)}." for machine in machines.values()]
    facts.append(", ".join(f"{name} {number}" for name, number in versions.items()) + ".")
    claims: dict[str, list[str]] = {}  # missed by what was tried, which several may share
    for row in (row for found in kept.values() for row in found["rows"]):
        if row["mark"] == "MISSED" and row["tried"]:
            claims.setdefault(row["tried"], []).append(row["claim"])
    tried = [
        f"*{'*, *'.join(dict.fromkeys(missed))}*, missed; tried: {what}"
        for what, missed in claims.items()
    ]
    left_out = dict.fromkeys(line for found in kept.values() for line in found["left_out"])
    return "\n\n".join([*facts, *tables, *tried, *left_out])


def title(name: str) -> str:
    """The first sentence of a benchmark's docstring."""
    source = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    first = (ast.get_docstring(ast.parse(source)) or name).partition("\n\n")[0]
    return " ".join(first.split()).partition(". ")[0].rstrip(".")


def table(found: dict[str, Any]) -> str:
    """The claims of one file in Markdown."""
    lines = [HEAD, tuple("---" for _ in HEAD)]
    for kept in found["rows"]:
        row = Row(**{name: value for name, value in kept.items() if name != "mark"})
        lines.append(row.cells(found["machine"]["threads"]))
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


if __name__ == "__main__":
    sys.exit(main())

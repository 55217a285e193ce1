"""ROOT: flat branches of a TTree or fields of an RNTuple. Needs uproot: pip install baksan[root].

A ROOT file may describe classes of its own, and uproot writes Python code after such descriptions
and runs it (`exec` in uproot.deserialization), evaluates the range in the title of a packed number,
and opens addresses of the network where a path looks like one. None of that happens here: the file
is opened as bytes on disk, its descriptions of classes are never looked at, so that only classes
that uproot brings along exist, and what a flat branch holds is told by its leaves alone. Since
numbers in a damaged file may send uproot on an endless way, a process that may be lost goes first.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from baksan import units
from baksan.data.columns import DEFAULT_ROWS, ReadError, lost_note, parts_error, readable, table_of
from baksan.data.trial import Trial, starts
from baksan.samples import Feature
from baksan.table import Table

__all__ = ["blocks", "rows"]

_DEEPEST = 30  # folders
_TRIAL = Trial("root")
_LARGEST, _LARGEST_RATIO = 1 << 24, 10_000  # what a basket or page holds, and times its bytes
_ADVICE = (
    "One value per row is needed: flatten them before, lists for example to their length, largest"
    " or first element (ak.num, ak.max, ak.firsts of awkward), and write the result as Parquet."
)
_LISTS, _PACKED = "lists of different length", "packed numbers (Float16_t, Double32_t)"

# Letters of NumPy for the leaves of TTrees and for the type numbers of TLeafElement
# (root.cern/doc/master/classTVirtualStreamerInfo.html, EReadWrite).
_LEAVES = {"TLeafO": "?", "TLeafB": "i1", "TLeafS": "i2", "TLeafI": "i4", "TLeafL": "i8",
           "TLeafG": "i8", "TLeafF": "f4", "TLeafD": "f8"}  # fmt: skip
_NUMBERS = {1: "i1", 2: "i2", 3: "i4", 4: "i8", 5: "f4", 6: "i4", 8: "f8", 11: "u1", 12: "u2",
            13: "u4", 14: "u8", 15: "u4", 16: "i8", 17: "u8", 18: "?"}  # fmt: skip
_ARRAY = 20  # is added to these numbers for arrays of one length
_TSTRING, _CONTAINER, _FLOAT16, _DOUBLE32 = 65, 300, 19, 9
_FIELD = re.compile(
    r"(std::array<)*(bool|(std::)?u?int(8|16|32|64)_t|float|double)(,\s*\d+>)*|std::string"
)


@dataclass(frozen=True)
class _Found:
    """A tree: its rows, its flat columns and how to read some of their rows, and what is lost."""

    rows: int
    features: dict[str, Feature] = field(default_factory=dict)
    read: dict[str, Callable[[int, int], NDArray[Any]]] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)


def blocks(
    path: Path,
    source: str,
    rows: int,
    columns: Sequence[str] | None = None,
    *,
    part: str | None = None,
) -> Iterator[Table]:
    """Tables of at most `rows` rows.

    A branch that holds lists of different length or objects is left out with a note. Units are
    those in brackets at the end of a branch's title, 'total energy [GeV]'.

    Parameters
    ----------
    part : str, optional
        The tree, with its folders ('folder/events'), of the newest cycle unless one is named
        ('events;1'); needed where there are several.

    Raises
    ------
    ReadError
        uproot is missing; several trees and none chosen; no flat branch; a branch is asked for that
        is not flat; no rows; a cut file.
    """
    with _opened(path, source, part) as found:
        names = readable(list(found.features), found.lost, columns, source, _ADVICE)
        if not found.rows:
            raise ReadError(f"{source}: rows are needed; the tree is empty. Choose another.")
        note = lost_note(found.lost, _ADVICE)
        for first in range(0, found.rows, rows):
            stop = min(first + rows, found.rows)
            held = ((_slice(found, n, first, stop, source), found.features[n]) for n in names)
            arrays = [(f.name, values, f.unit, f.description) for values, f in held]
            yield table_of(arrays, source, first).with_notes(*note)


def rows(path: Path, source: str, part: str | None = None) -> int:
    """How many rows there are, by the tree's own account."""
    with _opened(path, source, part) as found:
        return found.rows


def _slice(found: _Found, name: str, start: int, stop: int, source: str) -> NDArray[Any]:
    with _whole(source):
        values = found.read[name](start, stop)
        if len(values) != stop - start:
            raise ValueError(
                f"{name!r} has {len(values)} rows from row {start}, not {stop - start}"
            )
    return values


def visit(path: Path, part: str | None) -> None:
    """All that reading does, its result thrown away; of a large file the ends of the tree only."""
    with _held(path, str(path), part) as found:
        for first in starts(path, found.rows, DEFAULT_ROWS):
            for name in found.features:
                _slice(found, name, first, min(first + DEFAULT_ROWS, found.rows), str(path))


@contextmanager
def _opened(path: Path, source: str, part: str | None) -> Iterator[_Found]:
    _uproot(source)
    _TRIAL.check(path, part, source)
    with _held(path, source, part) as found:
        yield found


@contextmanager
def _held(path: Path, source: str, part: str | None) -> Iterator[_Found]:
    reading = _uproot(source)

    class Closed(reading.ReadOnlyFile):  # type: ignore[misc, name-defined]
        """A file whose own classes stay unknown."""

        streamers: ClassVar[dict[str, Any]] = {}  # in place of the property that parses them

    # uproot reads from a file object, and never from what a name may lead to.
    with path.open("rb") as plain:
        with _whole(source):
            file = Closed(plain, object_cache=None, array_cache=None, use_threads=False)
        with file:
            with _whole(source):
                trees = dict(_trees(file.root_directory))
            tree = trees[_choose(trees, part, source)]
            with _whole(source):
                found = _ntuple(tree.get()) if _is_ntuple(tree) else _tree(tree.get())
            yield found


def _uproot(source: str) -> Any:
    try:
        import uproot
    except ImportError:
        raise ReadError(
            f"{source}: uproot is needed to read ROOT files; it is not installed."
            " Install it with: pip install 'baksan[root]'"
        ) from None
    return uproot.reading


@contextmanager
def _whole(source: str) -> Iterator[None]:
    """Whatever uproot stumbles over in a damaged file becomes one sentence.

    It parses without checking, so that any kind of exception may come of flipped bytes.
    """
    try:
        yield
    except ReadError:
        raise
    except Exception as error:
        why = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
        raise ReadError(
            f"{source}: a whole ROOT file of a common version is needed; this one is cut, damaged"
            f" or too new ({why.rstrip('.')}). Fetch it again, or write the tree as Parquet."
        ) from None


def _check_size(size: int, packed: int) -> None:
    if size > max(_LARGEST, _LARGEST_RATIO * packed):
        raise ValueError(f"{packed:,} bytes say that they unpack to {size:,}")


# Which trees there are ----------------------------------------------------------------------------


def _trees(folder: Any, above: str = "", seen: frozenset[int] = frozenset()) -> Iterator[Any]:
    """(Path with its cycle, key) of every tree in a folder and those within.

    A damaged folder may hold itself, or hundreds that do.
    """
    for key in map(folder.key, folder.keys(recursive=False)):
        if key.fClassName == "TTree" or _is_ntuple(key):
            yield f"{above}{key.fName};{key.fCycle}", key
        within = key.fClassName.startswith("TDirectory") and len(seen) < _DEEPEST
        if within and key.fSeekKey not in seen:
            yield from _trees(key.get(), f"{above}{key.fName}/", seen | {key.fSeekKey})


def _is_ntuple(key: Any) -> bool:
    return str(key.fClassName) in ("ROOT::RNTuple", "ROOT::Experimental::RNTuple")


def _choose(trees: dict[str, Any], part: str | None, source: str) -> str:
    newest: dict[str, str] = {}
    for path in sorted(trees, key=lambda p: int(p.rpartition(";")[2])):
        newest[path.rpartition(";")[0]] = path
    labels = sorted(newest)
    if not labels:
        raise ReadError(
            f"{source}: a TTree or an RNTuple is needed; this ROOT file has none."
            " Write a table from its histograms or objects."
        )
    if part is not None:
        wanted = part.strip("/")
        if wanted in trees or wanted in newest:
            return newest.get(wanted, wanted)
        raise parts_error(source, "tree", labels, part)
    if len(labels) > 1:
        raise parts_error(source, "tree", labels)
    return newest[labels[0]]


# TTree --------------------------------------------------------------------------------------------


def _tree(tree: Any) -> _Found:
    found = _Found(int(tree.num_entries))
    branches = dict(_branches(tree))
    flat = [b.name for b in branches.values() if not _why_lost(b)]
    for path, branch in branches.items():
        name = path if flat.count(branch.name) > 1 else branch.name
        if why := _why_lost(branch):
            found.lost[name] = why
        else:
            _add(found, name, branch)
    return found


def _branches(above: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Path and branch, of those that hold something themselves."""
    for branch in above.branches if depth < _DEEPEST else ():
        path = f"{prefix}{branch.name}"
        if branch.branches:
            yield from _branches(branch, f"{path}/", depth + 1)
        else:
            yield path, branch


def _why_lost(branch: Any) -> str:
    """What a branch holds that is not flat; nothing for a flat one."""
    leaves = branch.member("fLeaves")
    if any(leaf.member("fLeafCount") is not None for leaf in leaves):
        return _LISTS
    if _is_text(branch) or (len(leaves) and all(_code(leaf) for leaf in leaves)):
        return ""
    if any(_is_packed(leaf) for leaf in leaves):
        return _PACKED
    if branch.member("fStreamerType", none_if_missing=True) == _CONTAINER:
        return _LISTS
    class_name = branch.member("fClassName", none_if_missing=True)  # a member's: of whom it is one
    return f"objects of class {class_name}" if class_name and branch.top_level else "objects"


def _is_text(branch: Any) -> bool:
    leaves = branch.member("fLeaves")
    if len(leaves) != 1:
        return False
    class_name = branch.member("fClassName", none_if_missing=True)
    return (
        leaves[0].classname == "TLeafC"
        or _number(leaves[0]) == _TSTRING
        # A member of a class bears that class's name here, and its strings begin otherwise.
        or (branch.top_level and class_name in ("string", "std::string"))
    )


def _is_packed(leaf: Any) -> bool:
    return leaf.classname in ("TLeafF16", "TLeafD32") or _number(leaf) in (_FLOAT16, _DOUBLE32)


def _code(leaf: Any) -> str | None:
    if leaf.classname == "TLeafElement":
        return _NUMBERS.get(_number(leaf))
    code = _LEAVES.get(leaf.classname)
    return code.replace("i", "u") if code and leaf.member("fIsUnsigned") else code


def _number(leaf: Any) -> int:
    """The type of a member, an array or not."""
    number = int(leaf.member("fType", none_if_missing=True) or 0)
    return number - _ARRAY if _ARRAY < number < 2 * _ARRAY else number


def _add(found: _Found, name: str, branch: Any) -> None:
    """The columns of a flat branch: one, or one for each leaf of a list 'x/F:y/F'."""
    from uproot.interpretation.numerical import AsDtype
    from uproot.interpretation.strings import AsStrings

    leaves = list(branch.member("fLeaves"))
    title = str(branch.member("fTitle"))
    if int(branch.num_entries) != found.rows:
        raise ValueError(f"branch {name!r} has {branch.num_entries} rows of {found.rows}")
    if _is_text(branch):
        string = _number(leaves[0]) == _TSTRING
        words = AsStrings(typename="TString") if string else AsStrings()
        found.features[name] = _feature(name, title)
        found.read[name] = lambda a, b: _text(_array(branch, words, a, b))
        return
    record = np.dtype([(f"f{j}", f">{_code(v)}", _shape(v)) for j, v in enumerate(leaves)])
    numbers = AsDtype(record, record.newbyteorder("="))
    for j, leaf in enumerate(leaves):
        column = name if len(leaves) == 1 else f"{name}.{leaf.member('fName')}"
        found.features[column] = _feature(column, title if len(leaves) == 1 else "")
        found.read[column] = partial(_numbers, branch, numbers, f"f{j}")


def _numbers(branch: Any, how: Any, member: str, start: int, stop: int) -> NDArray[Any]:
    return np.asarray(_array(branch, how, start, stop)[member])


def _array(branch: Any, how: Any, start: int, stop: int) -> NDArray[Any]:
    """Rows start … stop − 1; uproot asks for the memory that a basket says it needs."""
    for j, (first, end) in enumerate(pairwise(branch.entry_offsets)):
        if first < stop and start < end:
            packed, size = branch.basket_compressed_bytes(j), branch.basket_uncompressed_bytes(j)
            _check_size(size, packed)
    return np.asarray(branch.array(how, start, stop, library="np"))


def _shape(leaf: Any) -> tuple[int, ...]:
    """(2, 3) for 'x[2][3]'; the title is believed where it agrees with the leaf's length."""
    shape = tuple(int(n) for n in re.findall(r"\[(\d+)\]", str(leaf.member("fTitle"))))
    length = int(leaf.member("fLen"))
    if math.prod(shape) == length:
        return shape
    return (length,) if length > 1 else ()


def _feature(name: str, title: str) -> Feature:
    """'total energy [GeV]' is a description with a unit; 'E/D' and 'x[3]/F' only name leaves."""
    if title == name or re.fullmatch(r".*(/[A-Za-z]|\[\d+\])", title):
        return Feature(name)
    plain = re.fullmatch(r"(.*?)\s*\[([^\[\]]+)\]\s*", title)
    if plain and units.known(plain[2]):
        return Feature(name, plain[2], plain[1])
    return Feature(name, "", title)


def _text(values: NDArray[Any]) -> NDArray[Any]:
    """Bytes that are no UTF-8 become '�'; uproot keeps them as halves of surrogate pairs."""
    cells = [str(v).encode("utf-8", "surrogateescape").decode("utf-8", "replace") for v in values]
    return np.array(cells, dtype=str) if cells else np.empty(0, dtype="U1")


# RNTuple ------------------------------------------------------------------------------------------


def _ntuple(ntuple: Any) -> _Found:
    _check_pages(ntuple)
    found = _Found(int(ntuple.num_entries))
    for held in ntuple.fields:
        if not _FIELD.fullmatch(held.typename):
            found.lost[held.name] = held.typename
            continue
        found.features[held.name] = _feature(held.name, held.record.field_desc)
        found.read[held.name] = _reader(held)
    return found


def _check_pages(ntuple: Any) -> None:
    """The same of the pages of an RNTuple."""
    for pages in (column.pages for cluster in ntuple.page_link_list for column in cluster):
        for page in pages:
            _check_size(abs(int(page.num_elements)), int(page.locator.num_bytes))


def _reader(held: Any) -> Callable[[int, int], NDArray[Any]]:
    if held.typename == "std::string":
        return lambda a, b: _words(held.array(entry_start=a, entry_stop=b, library="ak").layout)
    return lambda a, b: np.asarray(held.array(entry_start=a, entry_stop=b, library="np"))


def _words(layout: Any) -> NDArray[Any]:
    """Text cut out of its bytes; awkward would do so unchecked, in C, beyond their end."""
    ends, content = np.asarray(layout.offsets.data), np.asarray(layout.content.data)
    if ends[0] < 0 or ends[-1] > len(content) or (ends[1:] < ends[:-1]).any():
        raise ValueError("texts that begin before others end")
    whole = content.tobytes()
    cells = [whole[a:b].decode("utf-8", "replace") for a, b in pairwise(ends.tolist())]
    return np.array(cells, dtype=str)

"""describe: what a look at a table must find."""

import json

import numpy as np
import pytest

from baksan import cli, memory
from baksan.data import load
from baksan.data.parquet import write_parquet
from baksan.describe import describe, describe_passes
from baksan.describe.facts import Sampler
from baksan.samples import Samples
from baksan.table import Column, Table

rng = np.random.default_rng(1)
N = 400
kind = np.where(np.arange(N) % 2, "gamma", "hadron")
PLAIN = {"x": Column(rng.normal(size=N), "mm"), "kind": kind}


def warnings_of(answer="kind", **more):
    found = describe(Table({**PLAIN, **more}), answer=answer)
    return {c.name: c.warnings for c in found.columns}


def test_numbers_text_and_classes():
    x = np.array([1.0, 2.0, np.nan, 4.0])
    table = Table({"x": Column(x, "mm"), "n": np.arange(4), "t": np.array(["a", "b", "", "a"])})
    found = describe(table, answer="t")
    first, second, third = found.columns
    assert (first.type, first.unit, first.missing, first.distinct) == ("float", "mm", 1, 3)
    assert (first.low, first.median, first.mean, first.high) == (1, 2, pytest.approx(7 / 3), 4)
    assert (second.type, third.type) == ("int", "text")
    assert (third.values, third.missing) == (("a", "b"), 1)
    assert found.classes == {"a": 2, "b": 1}
    assert not found.warnings


def test_duplicates_constants_infinities_and_empty_columns():
    table = Table(
        {
            "a": np.array([1.0, 1.0, 2.0, 2.0]),
            "b": np.array([5, 5, 5, 5]),
            "c": np.full(4, np.nan),
            "d": np.array([0.0, 0.0, np.inf, 1.0]),
        }
    )
    found = describe(table)
    assert found.duplicates == 1
    assert found.warnings == (
        "b: is constant", "c: holds no number at all", "d: is infinite in 1 row",
    )  # fmt: skip


@pytest.mark.parametrize("mark", [-999.0, -9999.0, -99.0, 9999.0, 1e20])
def test_marks_for_missing_values(mark):
    values = rng.uniform(0, 30, N)
    values[:3] = mark
    (warning,) = warnings_of(y=values)["y"]
    assert "stands in 3 rows: is it a mark for missing (--mark " in warning


def test_honest_numbers_are_no_marks():
    for values in (rng.uniform(-1500, 1500, N), rng.integers(-1, 3, N) * 1.0):
        values[0] = -999.0 if values.min() < -1000 else values[0]
        assert warnings_of(y=values)["y"] == ()
    counts = rng.integers(0, 50, N)
    counts[:5] = -1
    assert "−1 stands in 5 rows" in warnings_of(y=counts)["y"][0]


def test_columns_that_give_the_answer_away():
    signal = (kind == "gamma").astype(float)
    hole = np.where(signal, np.nan, rng.normal(size=N))
    found = warnings_of(
        score=-signal + rng.uniform(0, 0.5, N),
        good=signal + rng.normal(size=N),
        hole=hole,
        code=np.where(signal, np.tile(["bll", "fsrq"], N // 2), "psr"),
        id=np.array([f"event {j}" for j in range(N)]),
    )
    assert "alone it has an AUC of 1.0000" in found["score"][0]
    assert "where it is missing tells the class" in found["hole"][0]
    assert "each of its values goes with one class only" in found["code"][0]
    assert found["good"] == found["id"] == found["x"] == found["kind"] == ()


def test_a_number_answer_and_its_shadow():
    y = rng.normal(size=N)
    found = warnings_of(answer="y", y=y, shadow=3 * y + 1e-4 * rng.normal(size=N), other=y**2)
    assert "correlation with it is 1.0000" in found["shadow"][0]
    assert found["other"] == ()


def test_samples_are_described_like_tables():
    X = Samples(rng.normal(size=(50, 2)), np.arange(50) % 2, class_names=("h", "g"))
    found = describe(X)
    assert (found.rows, found.answer, found.classes) == (50, "answer", {"g": 25, "h": 25})
    assert [c.name for c in found.columns] == ["x0", "x1", "answer"]


@pytest.mark.parametrize("width", [60, 100])
def test_whole_numbers_are_told_to_the_last_digit(width):
    n = np.array([-123_456, 0, 600_000])
    told = describe(Table({"n": n, "far": n * 10**6, "x": n * 1.0})).text(width)
    lines = {line.split()[0]: line for line in told.splitlines() if line}
    assert " -123,456 " in lines["n"] and " 600,000 " in lines["n"]
    assert " 6e+11 " in lines["far"] and " 6e+05 " in lines["x"]


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_the_text_keeps_to_its_width(width):
    more = {"a very long name of a column " * 3: np.arange(N), "empty": np.full(N, np.nan)}
    text = describe(Table({**PLAIN, **more}), answer="kind").text(width)
    assert max(map(len, text.splitlines())) <= width
    assert "gamma 200 (50.0%)" in text


@pytest.mark.parametrize("width", [80, 100, 140])
def test_every_width_shows_unit_type_range_missing_distinct_and_histogram(width):
    flux = Column(np.logspace(-14, -9, N), "ph cm-2 MeV-1 s-1")
    hole = Column(np.where(np.arange(N) % 4, rng.normal(size=N), np.nan), "deg")
    table = Table({"Unc_PL_Flux_Density": flux, "hole": hole, "run_number": np.arange(N) % 7})
    lines = describe(table).text(width).splitlines()[2:6]
    for word in ("column", "unit", "type", "missing", "distinct", "low", "high"):
        assert word in lines[0]
    for line, words in zip(
        lines[1:],
        [("Unc_PL_Flu", "ph cm", "float", "400", "1e-14", "1e-09", "█", " lg"),
         ("hole", "deg", "float", "100", "300", "█"), ("run_number", "int", "7", "0", "6", "█")],
        strict=True,
    ):  # fmt: skip
        assert all(word in line for word in words) and not line.endswith("…"), line


def test_numbers_among_words_are_pointed_out():
    b = np.where(np.arange(N) % 5, np.arange(N).astype(str), "low")
    found = warnings_of(b=b, name=np.array([f"event {k}" for k in range(N)]))
    assert found["b"] == (
        "is text, though 320 of 400 cells are numbers: it is no feature as it stands",
    )
    assert found["name"] == ()


def test_sparklines_and_json():
    found = describe(Table({"flat": np.linspace(0, 1, 1200), "lg": np.logspace(0, 6, 1200)}))
    assert found.columns[0].spark == "█" * 12
    assert found.columns[1].spark == "█" * 12 + " lg"
    back = json.loads(json.dumps(found.to_dict()))
    assert back["columns"][0]["high"] == 1
    assert back["rows"] == 1200


def test_refused():
    with pytest.raises(ValueError, match="rows are needed; the table has none"):
        describe(Table({"a": []}))
    with pytest.raises(KeyError, match="no column 'b'"):
        describe(Table({"a": [1.0]}), answer="b")


@pytest.mark.usefixtures("data_dir")
def test_published_sets():
    magic = describe(load("magic").table, "class")
    assert (magic.duplicates, magic.warnings) == (115, ())
    fermi = describe(load("fermi-4fgl").table, "type")
    assert fermi.warnings == (
        "CLASS: gives the answer away: each of its values goes with one class only",
    )


def test_a_number_that_rises_with_the_answer_gives_it_away():
    rng = np.random.default_rng(0)
    energy = rng.uniform(1, 100, 300)
    table = Table(
        {"energy": energy, "weight": energy**-2.7, "size": energy * rng.normal(1, 0.3, 300)}
    )
    told = describe(table, answer="energy").warnings
    assert any("weight" in w and "rank correlation with it is -1.0000" in w for w in told)
    assert not any("size" in w for w in told)


# More than memory holds ---------------------------------------------------------------------------


def large(n=90_000):
    """A table of which a sample cannot show everything."""
    x = np.random.default_rng(4).normal(size=n)
    x[:5000] = np.nan  # one in 18
    rare = np.zeros(n)
    rare[777] = 1
    mark = np.abs(x) + 1
    mark[[3, 89_000]] = -999
    infinite = x.copy()
    infinite[n // 2] = np.inf
    words = np.full(n, "a")
    words[n - 1] = "b"
    return Table(
        {
            "x": Column(x, "mm"),
            "rare": rare,
            "mark": mark,
            "infinite": infinite,
            "words": words,
            "flat": np.full(n, 2),
            "leak": np.where(np.arange(n) % 3, 1.0, 0.0) + 0.001 * np.abs(rng.normal(size=n)),
            "kind": np.where(np.arange(n) % 3, "gamma", "hadron"),
        },
        "events",
    )


def blocks_of(table, rows, asked):
    def tables(columns):
        asked.append(columns)
        names = table.names if columns is None else columns
        for start in range(0, len(table), rows):
            part = table.take(np.arange(start, min(start + rows, len(table))))
            yield Table({n: part.columns[n] for n in names}, part.source, rows=part.rows)

    return tables


def test_facts_of_all_rows_are_exact_and_the_rest_is_near():
    table, asked, seen = large(), [], []
    found = describe_passes(blocks_of(table, 30_000, asked), "kind", progress=seen.append)
    whole = describe(table, "kind")
    assert asked == [None, ["mark"]] and seen[2] == 90_000 == found.rows
    for here, there in zip(found.columns, whole.columns, strict=True):
        for fact in ("name", "type", "unit", "rows", "missing", "low", "high"):
            assert getattr(here, fact) == getattr(there, fact), (here.name, fact)
        assert here.mean == (there.mean and pytest.approx(there.mean, rel=1e-12, abs=1e-15))
        assert here.warnings == there.warnings, here.name
    assert found.classes == whole.classes
    assert found.columns[0].median == pytest.approx(whole.columns[0].median, abs=0.02)
    assert found.columns[0].distinct == pytest.approx(65_536 * (1 - 5 / 90), rel=0.01)
    assert "65,536 rows chosen at random, and repeated rows were not sought" in found.text(500)


def test_what_fits_in_the_sample_is_described_as_ever():
    table = Table({**PLAIN, "twice": np.arange(N) // 2 * 0})
    table = table.take(np.r_[np.arange(N), 0, 1]).with_notes("odd.")
    assert (
        describe_passes(
            lambda _: [table.take(np.arange(100)), table.take(np.arange(100, N + 2))], "kind"
        ).to_dict()
        == describe(table, "kind").to_dict()
    )


def test_a_sample_is_uniform():
    sampler = Sampler()
    for start in range(0, 400_000, 50_000):
        sampler.add(Table({"n": np.arange(start, start + 50_000)}))
    chosen = sampler.table(())["n"]
    assert len(chosen) == 65_536 and np.all(np.diff(chosen) > 0)
    counts = np.histogram(chosen, bins=16, range=(0, 400_000))[0]
    expected = 65_536 / 16
    assert ((counts - expected) ** 2 / expected).sum() < 40  # χ² with 15 degrees of freedom


def test_passes_raise_the_same_errors():
    with pytest.raises(KeyError, match="no column 'no'"):
        describe_passes(lambda _: [Table(PLAIN)], "no")
    with pytest.raises(ValueError, match="rows are needed"):
        describe_passes(lambda _: [])


def test_an_answer_of_too_many_names_is_not_counted_in_part():
    names = np.array([f"source {j % 3000}" for j in range(70_000)])
    parts = [Table({"x": np.arange(70_000.0), "name": names})] * 2
    found = describe_passes(lambda _: parts, "name")
    assert found.classes == {} and "more than 1,000, none was counted" in found.notes[-1]
    few = [Table({"x": np.arange(70_000.0), "name": names[:900].repeat(100)[:70_000]})] * 2
    assert sum(describe_passes(lambda _: few, "name").classes.values()) == 140_000


def test_the_command_describes_what_does_not_fit(tmp_path, monkeypatch, capsys):
    write_parquet(large(), tmp_path / "t.parquet")
    monkeypatch.setattr(memory, "available", lambda: 1_000_000)
    where = ["--where", "rare < 1"]
    with pytest.raises(SystemExit) as end:
        cli.main(["data", "describe", str(tmp_path / "t.parquet"), "--answer", "kind", *where])
    told = capsys.readouterr().out
    assert end.value.code == 0 and "89,999 rows, 8 columns" in told
    assert "1 row left out by the condition rare < 1." in told and "rows chosen at random" in told
    assert "rare: is constant" in told and "mark: −999 stands in 2 rows" in told


def test_numbers_that_go_with_one_class_each():
    telling, honest = np.where(kind == "gamma", np.arange(N) // 2 % 2 * 3.0, 1.0), np.arange(N) // 8
    found = warnings_of(run=telling, block=honest)
    assert "each of its values goes with one class only" in found["run"][0]
    assert found["block"] == ()


def test_rows_are_chosen_by_random_numbers_of_their_own():
    made = np.where(np.random.default_rng(0).random(140_000) < 0.5, "g", "h")
    found = describe_passes(lambda columns: [Table({"kind": made})], answer="kind")
    assert found.columns[0].distinct == 2


def test_a_folder_is_described_under_its_name():
    parts = [Table({"x": [1.0, 2.0]}, f"night/{k}.csv") for k in range(2)]
    assert describe_passes(lambda columns: parts).source == "night"

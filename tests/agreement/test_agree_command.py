"""`baksan agree`: two files in, a verdict, a page and weights out."""

import numpy as np
import pytest

import baksan as bk
from baksan.agreement.tables import shared
from baksan.cli import main
from baksan.data.convert import write
from baksan.table import Table
from baksan.table.column import Column

QUICK = ["--replicas", "20", "--quiet"]


def table(n, seed, scale=1.0, unit="mm", **more):
    rng = np.random.default_rng(seed)
    columns = {
        "event": Column(rng.permutation(n)),
        "width": Column(scale * rng.gamma(4.0, size=n), unit),
        "length": Column(rng.normal(size=n), "mm"),
        "kind": Column(rng.choice(["a", "b"], n)),
    }
    return Table({**columns, **more}, f"table {seed}")


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(table(600, 1), "sim.parquet")
    write(table(500, 2), "same.parquet")
    write(table(500, 3, scale=1.3), "wide.parquet")
    write(table(500, 2, scale=0.1, unit="cm"), "centi.parquet")
    return tmp_path


def call(*arguments):
    with pytest.raises(SystemExit) as end:
        main(["agree", *arguments, *QUICK])
    return end.value.code or 0


def refused(capsys, *arguments):
    assert call(*arguments) == 2
    return " ".join(capsys.readouterr().err.split())


def test_the_same_agree_and_others_do_not(files, capsys):
    assert call("sim.parquet", "same.parquet") == 0
    said = capsys.readouterr().out
    assert "Simulation and data agree" in said and "Page: agree.html" in said
    assert "Left out" in said and "event" in said, "numbers of events are no inputs"
    assert call("sim.parquet", "wide.parquet") == 0
    said = capsys.readouterr().out
    assert "DISAGREE" in said and "mostly by width" in said and "Page: agree-2.html" in said
    page = (files / "agree-2.html").read_text(encoding="utf-8")
    assert "Does sim.parquet describe wide.parquet?" in page and page.count("<svg") >= 3


def test_units_are_converted(files, capsys):
    assert call("sim.parquet", "centi.parquet") == 0
    assert "Simulation and data agree" in capsys.readouterr().out


def test_weights_can_be_trained_with(files, capsys):
    assert call("sim.parquet", "wide.parquet", "--save-weights", "w.parquet") == 0
    held = bk.read(files / "w.parquet")
    w = held["agreement"]
    assert w.mean() == pytest.approx(1.0) and w.min() >= 0
    assert np.average(held["width"], weights=w) > held["width"].mean() + 0.3
    X = held.samples(answer="kind", features=["width", "length"], weight="agreement")
    assert X.effective_events < len(X)


def test_rows_without_an_input_get_no_weight(files):
    lengths = np.random.default_rng(1).normal(size=600)
    lengths[3] = np.nan
    write(table(600, 1, length=Column(lengths, "mm")), "gaps.parquet")
    assert call("gaps.parquet", "wide.parquet", "--save-weights", "w.parquet") == 0
    w = bk.read(files / "w.parquet")["agreement"]
    assert np.flatnonzero(np.isnan(w)).tolist() == [3]


def test_formulas_are_inputs_too(files, capsys):
    assert call("sim.parquet", "wide.parquet", "--features", "area=width*length") == 0
    assert "area" in capsys.readouterr().out


def test_truth_and_constants_are_no_inputs():
    n = 200
    more = {
        "true_energy": Column(np.arange(n) / n, role="truth"), "one": Column(np.ones(n)),
        "only": Column(np.arange(n) / n),
    }  # fmt: skip
    a, b, notes = shared(table(n, 1, **more), table(n, 2, true_energy=more["true_energy"],
                                                   one=more["one"]))  # fmt: skip
    assert a.names == b.names == ("width", "length")
    assert any("one, only" in note for note in notes)


def test_what_cannot_be_compared_is_refused(files, capsys):
    write(table(500, 4, width=Column(np.arange(500.0), "ns")), "time.parquet")
    assert "width: " in refused(capsys, "sim.parquet", "time.parquet")
    write(Table({"other": Column(np.arange(200.0))}, "o"), "other.parquet")
    said = refused(capsys, "sim.parquet", "other.parquet")
    assert "needs inputs that both sides have" in said and "has other" in said
    write(table(60, 5), "few.parquet")
    assert "100 events or more on both sides" in refused(capsys, "sim.parquet", "few.parquet")
    assert "NAME.html" in refused(capsys, "sim.parquet", "same.parquet", "--out", "page.pdf")
    assert "nothing" in refused(capsys, "sim.parquet", "nothing.parquet")


def test_two_halves_of_magic_agree_and_a_wider_one_does_not():
    magic = bk.load("magic").table
    rng = np.random.default_rng(6)
    some = rng.permutation(len(magic))[:2000]
    one, two = (magic.take(np.sort(part)) for part in np.array_split(some, 2))
    assert bk.agree(*shared(one, two)[:2], replicas=50).holds
    wider = Column(two["fWidth"] * 1.25, two.column("fWidth").unit)
    found = bk.agree(*shared(one, two.with_columns({"fWidth": wider}))[:2], replicas=50)
    assert not found.holds and "fWidth" in found.sentence

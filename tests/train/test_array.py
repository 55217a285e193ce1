"""The method array, as users meet it: a file with stations, a line-up, a model, new events."""

import numpy as np
import pytest

import baksan as bk
from baksan import losses
from baksan.cli import main
from baksan.models.array.columns import Columns
from baksan.produce import Production, produce
from baksan.simulate.showers import Primaries
from baksan.store import RunFolder, load_model
from baksan.train.lineup import Ours
from baksan.train.views import blocks_of, plain


@pytest.fixture
def call(capsys):
    """call('train', …) → (status, stdout, stderr)."""

    def call(*arguments):
        try:
            main([str(a) for a in arguments])
            status = 0
        except SystemExit as stopped:
            status = stopped.code or 0
        told = capsys.readouterr()
        return status, told.out, " ".join(told.err.split())

    return call


@pytest.fixture
def refused(call):
    """refused('train', …) → the one sentence; anything else fails."""

    def refused(*arguments):
        status, _, said = call(*arguments)
        assert status == 2 and said.count("baksan:") == 1
        return said

    return refused


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


SHOWERS = Primaries({"p": 1, "Fe": 1}, log_energy=(18.8, 19.4), model="epos-lhc")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A file of showers with their stations, and one without."""
    folder = tmp_path_factory.mktemp("array")
    for name, stations, window in (("with", True, 5), ("without", False, 5), ("wide", True, 7)):
        made = Production(160, 3, window=window, primaries=SHOWERS, stations=stations)
        produce(made, folder / f"{name}.parquet", processes=1)
    return folder


@pytest.fixture(scope="module")
def run(folder):
    """A run of a straight line and of networks over the stations."""
    quick = ["--test", "0.4", "-m", "linear-analytic", "-m", "array", "--quiet"]
    file = str(folder / "with.parquet")
    with pytest.raises(SystemExit, match="0"):
        main(["train", file, "--answer", "log_energy", *quick, "--out", str(folder / "run")])
    return folder / "run"


def test_stations_keep_their_places_in_the_file(folder):
    table = bk.read(folder / "with.parquet")
    places = np.array(table.column("time").places)
    assert places.shape == (25, 3) and np.ptp(places[:, 0]) == 4 * 1200
    X = table.samples(answer="log_energy", features=["zenith", "time"])
    assert X.features[0].place is None
    assert X.features[1 + 7].place == tuple(places[7])
    assert plain(X).names == ("zenith",)
    assert list(blocks_of(X)) == ["zenith", "time"] and len(blocks_of(X)["time"]) == 25


def test_a_line_up_with_array_from_file_to_predictions(folder, run, call, here):
    file = str(folder / "with.parquet")
    model = load_model(run / "models/array.baksan")
    line = load_model(run / "models/linear-analytic.baksan")
    assert len(model.card.features) == len(line.card.features) + 4 * 25
    assert "signal_upper" not in {need.name for need in line.card.inputs}
    importance = RunFolder.open(run).read_json("report.json")["importance"]
    shown = [row["feature"] for row in importance["array"]["rows"]]
    assert {"log_s800", "signal_upper", "time", "status"} <= set(shown)
    assert "time" not in [row["feature"] for row in importance["linear-analytic"]["rows"]]

    assert call("apply", run / "models/array.baksan", file, "--out", "p.parquet")[0] == 0
    found = bk.read(here / "p.parquet")["prediction"]
    assert np.abs(found - bk.read(file)["log_energy"]).mean() < 0.3


def test_what_array_needs_is_said(folder, run, refused, here):
    answer = ("--answer", "log_energy", "-m", "array", "--out", "r")
    said = refused("train", str(folder / "without.parquet"), *answer)
    assert "an array network needs signals of stations: vectors signal_upper and" in said
    model, file = run / "models/array.baksan", folder / "wide.parquet"
    said = refused("apply", model, file, "--out", "q.csv")
    assert "was trained on an array of 25 stations; those of 'signal_upper' are 49" in said


def test_settings_are_one_line_and_know_the_array(folder):
    X = bk.read(folder / "with.parquet").samples(answer="log_energy", features=["signal_upper"])
    one = Columns(signals=(tuple(range(25)),))
    method = Ours("a", "", "", bk.ArrayNetwork(one, np.eye(25)[:, :2]), losses.squared, bk.Adam())
    assert "\n" not in method.settings and len(method.settings) < 300
    assert "Columns(1 × 25 stations)" in method.settings
    assert len(X.features) == 25


def test_the_default_line_up_has_array_where_stations_are_known(folder):
    table = bk.read(folder / "with.parquet")
    known = table.samples(answer="log_energy", features=["zenith", "time"])
    unknown = table.samples(answer="log_energy")
    from baksan.train.lineup import _default

    assert "array" in _default(known) and "array" not in _default(unknown)

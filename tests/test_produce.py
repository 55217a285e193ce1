"""Productions: the same bytes whoever makes them, stopped and gone on, and what they tell."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from baksan import read
from baksan.cli import main
from baksan.data.parquet import write_parquet
from baksan.files import alone
from baksan.physics import OutsideRange, spectrum
from baksan.produce import (
    PART,
    Production,
    open_production,
    part,
    produce,
    showers_of,
    thrown_in,
)  # fmt: skip
from baksan.produce.account import account
from baksan.produce.display import display
from baksan.produce.workers import deal_out
from baksan.report import page
from baksan.simulate import kascade
from baksan.simulate.array import Primaries
from baksan.table import Table

SMALL = Production(2 * PART + 300, seed=7, window=5, primaries=Primaries(log_energy=(18.8, 19.2)))


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "a.parquet"
    return path, produce(SMALL, path)


def test_a_production_holds_what_triggered_with_its_truth(made):
    path, kept = made
    table = read(path)
    assert len(table) == kept > 0.8 * SMALL.events
    every = thrown_in(SMALL)
    np.testing.assert_array_equal(table["log_energy"], every.log_energy[table["event"]])
    assert set(np.unique(table["primary"])) == {"p", "Fe"}
    assert table.column("x_max").role == "truth" and table.column("x_max").unit == "g/cm2"
    assert not path.with_name("a.parquet.parts").exists()


def test_truth_and_details_are_no_features_unless_they_are_named(made):
    X = read(made[0]).samples(answer="log_energy")
    assert "true_zenith" not in X.names and "core_x" not in X.names and "x_max" not in X.names
    assert {"zenith", "log_s800", "curvature", "stations"} <= set(X.names)
    named = read(made[0]).samples(answer="log_energy", features=["zenith", "x_max"])
    assert named.names == ("zenith", "x_max")


def test_any_number_of_processes_gives_the_same_file(made, tmp_path):
    produce(SMALL, tmp_path / "b.parquet", processes=2)
    assert digest(tmp_path / "b.parquet") == digest(made[0])


def test_what_was_killed_goes_on_to_the_same_file(made, tmp_path):
    path, seen = tmp_path / "c.parquet", []

    class Killed(Exception):
        pass

    def kill(thrown):
        if thrown >= PART:
            raise Killed

    with pytest.raises(Killed):
        produce(SMALL, path, progress=kill)
    assert not path.exists() and len(list((tmp_path / "c.parquet.parts").glob("*.parquet"))) == 1
    produce(SMALL, path, progress=seen.append)
    assert digest(path) == digest(made[0])
    assert seen == [PART, 2 * PART, SMALL.events]  # what was there is told at once


def test_parts_of_other_settings_are_not_taken_over(tmp_path):
    path = tmp_path / "d.parquet"
    (tmp_path / "d.parquet.parts").mkdir()
    (tmp_path / "d.parquet.parts/settings.json").write_text(replace(SMALL, seed=8).text)
    with pytest.raises(
        ValueError, match="another one, with other seed, zenith.* remove the folder"
    ):
        produce(replace(SMALL, primaries=replace(SMALL.primaries, zenith=(0.0, 0.5))), path)


def test_a_damaged_part_is_made_again(made, tmp_path):
    parts = tmp_path / "e.parquet.parts"
    parts.mkdir()
    (parts / "000001.parquet").write_bytes(made[0].read_bytes()[:2000])
    produce(SMALL, tmp_path / "e.parquet")
    assert digest(tmp_path / "e.parquet") == digest(made[0])


def test_what_is_there_is_not_made_again_nor_written_over(made, tmp_path):
    path, seen = tmp_path / "f.parquet", []
    shutil.copy(made[0], path)
    assert produce(SMALL, path, progress=seen.append) == made[1] and not seen
    for other in (path, tmp_path / "text.parquet", tmp_path / "folder.parquet"):
        if other.name == "text.parquet":
            other.write_text("mine")
        if other.name == "folder.parquet":
            other.mkdir()
        with pytest.raises(ValueError, match="must be new, or hold this production"):
            produce(replace(SMALL, seed=8), other)
    assert digest(path) == digest(made[0]) and (tmp_path / "text.parquet").read_text() == "mine"
    assert not list(tmp_path.glob("*.parts"))


def test_one_command_at_a_time_makes_a_file(tmp_path):
    with alone(tmp_path / "g.parquet.parts"), pytest.raises(FileExistsError, match="at work"):
        produce(SMALL, tmp_path / "g.parquet")


@pytest.mark.parametrize(
    ("production", "told"),
    [
        (Production(9, layout="kascade"), "must lie between 15 and 17"),
        (Production(9, primaries=Primaries(log_energy=(15, 16))), "must lie between 17 and 20.5"),
        (Production(9, layout="auger", primaries=Primaries(zenith=(0, 1.06))), "between 0 and 60"),
        (Production(9, primaries=Primaries(log_energy=(17, 17.1))), "none of 9 did"),
    ],
    ids=["kascade", "energy", "zenith", "none triggers"],
)
def test_what_cannot_be_made_leaves_nothing_behind(production, told, tmp_path):
    with pytest.raises(ValueError, match=told):
        produce(production, tmp_path / "h.parquet")
    assert not list(tmp_path.iterdir())


def test_a_continuation_is_told_once(tmp_path):
    high = Production(9, primaries=Primaries({"p": 1}, log_energy=(20.0, 20.4)))
    with pytest.warns(OutsideRange, match="20.4 lies outside") as told:
        produce(high, tmp_path / "i.parquet")
    assert len(told) == 1


def test_the_file_tells_how_it_was_made(made, tmp_path):
    assert open_production(made[0]) == SMALL
    other = Production(
        10, layout=((0.0, 0.0), (0.0, 900.0), (900.0, 0.0)), detector={"noise": 0.0},
        primaries=Primaries("ultra-high", index="auger"), stations=True,
    )  # fmt: skip
    assert Production.from_text(other.text) == other
    with pytest.raises(ValueError, match="settings of a production are needed"):
        Production.from_text(json.dumps({"events": 3}))


def test_parts_are_the_events_of_the_simulation():
    every = showers_of(SMALL, 2)
    table = part(SMALL, 2)
    assert len(every) == 300 and len(table) == every.triggered.sum()
    assert table["event"].min() >= 2 * PART
    with_stations = part(replace(SMALL, stations=True), 2)
    assert with_stations["signal_upper"].shape == (len(table), 25)
    np.testing.assert_array_equal(with_stations["zenith"], table["zenith"])


def test_kascade_is_produced_too(tmp_path):
    knee = Primaries(log_energy=(15.0, 17.0), zenith=(0.0, 0.6))
    path = tmp_path / "k.parquet"
    kept = produce(Production(600, seed=2, layout="kascade", primaries=knee), path)
    table = read(path)
    assert len(table) == kept > 300 and {"log_ne", "log_nmu", "age"} <= set(table.names)
    good = np.isfinite(table["log_energy_standard"])
    off = (table["log_energy_standard"] - table["log_energy"])[good]
    assert abs(np.median(off)) < 0.06
    with pytest.raises(ValueError, match="must lie between 15 and 17"):
        part(Production(10, layout="kascade"), 0)


def test_the_page_shows_showers_efficiency_and_resolutions(made):
    held = account(made[0])
    html = page.showers(held)
    for told in ("Showers on the ground", "trigger efficiency", "effective area", "ψ68"):
        assert told in html
    assert html.count("<svg") >= 3 * 2 + 2 + 8  # displays are there for wide and narrow screens
    bins = held["efficiency"]["by"]["p"]
    every = thrown_in(SMALL)
    triggered = np.isin(every.event, read(made[0])["event"])
    mine = every.primary == "p"
    assert bins["count"].sum() == mine.sum()
    assert bins["passed"].sum() == (triggered & mine).sum()
    assert held["good"] <= held["kept"] == len(read(made[0]))
    flag = read(made[0])["flag"].astype(int)
    assert [n for _, _, n in held["flags"]] == [int((flag & 2**k > 0).sum()) for k in range(5)]
    assert "Bins of 0.04, with" in html and "showers on an array like the Telescope Array" in html


LITTLE = tuple((700.0 * x, 700.0 * y) for x in range(4) for y in range(4))


@pytest.mark.parametrize(
    "production",
    [
        Production(300, layout="auger", window=7, primaries=Primaries(log_energy=(19, 19.5))),
        Production(300, layout=LITTLE, primaries=Primaries(log_energy=(18.5, 19)), weights=2.7),
        Production(300, layout="kascade", primaries=kascade.AROUND_THE_KNEE),
    ],
    ids=["auger", "positions", "kascade"],
)
def test_every_array_has_its_page(production, tmp_path):
    produce(production, tmp_path / "a.parquet")
    held = account(tmp_path / "a.parquet")
    assert len(held["displays"]) == 3 and page.showers(held).count("<svg") == 3 * 2 + 2 + 8
    settings = dict(held["settings"])
    if production.layout is LITTLE:
        assert held["title"].endswith("on an array of 16 stations")
        assert settings["array"] == "an array of 16 stations"
        assert settings["weights"] == "to dN/dE ∝ E^−2.7"


@pytest.mark.parametrize(
    "production",
    [
        Production(60, window=7, primaries=Primaries({"p": 1}, (19.8, 19.8), zenith=(0, 0.5))),
        Production(60, layout="kascade", primaries=Primaries({"p": 1}, (16, 16), zenith=(0, 0.5))),
    ],
    ids=["signals", "counters"],
)
def test_curves_of_a_display_go_through_its_points(production):
    """Averaged over showers, points lie at the curves within what their errors allow."""
    pulls = {"signal": [], "delay": []}
    for number in range(10):
        shown = display(production, number)
        s, fit = shown["stations"], shown["fit"]
        near = (s["used"] > 0) & (s["signal"] > 5) & (s["status"] == 1)
        for name in pulls:
            expected = np.interp(s["distance"][near], fit["r"], fit[name])
            pulls[name].append((s[name][near] - expected) / s[f"{name}_error"][near])
        assert fit["r"][0] <= s["distance"].min() and fit["r"][-1] > s["distance"].max()
    for name, found in pulls.items():
        found = np.concatenate(found)
        assert len(found) > 40 and abs(np.median(found)) < 0.5, name
        assert 0.3 < (np.quantile(found, 0.84) - np.quantile(found, 0.16)) / 2 < 1.6, name


def test_a_file_that_is_no_production_has_no_page(tmp_path):
    write_parquet(Table({"a": [1.0, 2.0]}), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="must be a file of baksan simulate array"):
        account(tmp_path / "t.parquet")


@pytest.mark.parametrize("target", [2.7, "auger"])
def test_weights_turn_what_was_thrown_into_another_spectrum(target):
    table = part(replace(SMALL, weights=target), 2)
    E = 10 ** table["log_energy"].astype(float)
    J = spectrum.auger(E) if target == "auger" else spectrum.power_law(E, target)
    expected = spectrum.to_spectrum(J, spectrum.power_law(E, 1.0))
    np.testing.assert_allclose(table["weight"] / table["weight"].mean(), expected, rtol=1e-9)
    assert table.column("weight").role == "detail"


def test_memory_does_not_grow_with_the_number_of_events(made):
    # A part is all that is held: its size is fixed, whatever N is.
    assert len(showers_of(replace(SMALL, events=10**9), 12_345)) == PART


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"events": 0}, "events, how many are thrown"),
        ({"seed": -1}, "seed"),
        ({"weights": "knee"}, "one of auger, h3a"),
        ({"layout": "atlas"}, "an array must be one of telescope-array, auger"),
    ],
    ids=str,
)
def test_what_cannot_be_made_is_refused(settings, told):
    with pytest.raises(ValueError, match=told):
        replace(SMALL, **settings)


def test_files_of_another_ending_and_arrays_that_are_none_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"go to a Parquet file.*a.parquet"):
        produce(SMALL, tmp_path / "a.csv")
    with pytest.raises(ValueError, match="a window must be odd"):
        produce(replace(SMALL, window=4), tmp_path / "a.parquet")
    assert not list(tmp_path.iterdir())


def test_showers_that_nobody_sees_are_told(tmp_path):
    low = replace(SMALL, events=20, primaries=Primaries(log_energy=(17.0, 17.0)))
    with pytest.raises(ValueError, match="none of 20 did, with lg"):
        produce(low, tmp_path / "a.parquet")


# The command --------------------------------------------------------------------------------------


@pytest.fixture
def call(capsys, tmp_path, monkeypatch):
    """call('simulate', …) in a folder of its own → (status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        try:
            main([str(a) for a in arguments])
            status = 0
        except SystemExit as end:
            status = end.code or 0
        told = capsys.readouterr()
        return status, told.out, told.err

    return call


def test_the_command_makes_a_file_that_can_be_trained_on(call):
    status, said, _ = call(
        "simulate", "array", "--events", 3000, "--seed", 3, "--out", "a.parquet", "--primaries",
        "p=2,Fe=1", "--log-energy", 18.7, 19.3, "--window", 7, "--stations", "--processes", 1,
    )  # fmt: skip
    assert status == 0
    assert "3,000 showers thrown" in said and "triggered: a.parquet" in said
    table = read("a.parquet")
    assert table["signal_upper"].shape[1] == 49
    assert np.mean(table["primary"] == "p") == pytest.approx(0.667, abs=0.05)
    status, said, _ = call(
        "train", "a.parquet", "--answer", "log_energy", "-m", "column:log_energy_standard", "-m",
        "linear-analytic", "--folds", 3, "--out", "run", "--no-report",
    )  # fmt: skip
    assert status == 0 and "log_energy_standard" in said and "resolution" in said


def test_a_table_of_positions_is_an_array_too(call):
    Path("places.csv").write_text("x,y\n0,0\n0,1000\n1000,0\n1000,1000\n500,500\n")
    status, *_ = call(
        "simulate", "array", "--events", 500, "--out", "b.parquet", "--array", "places.csv",
        "--log-energy", 19, 19.5, "--processes", 1,
    )  # fmt: skip
    assert status == 0
    assert len(open_production("b.parquet").layout) == 5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x,y\n0,0\n0,1.2\n1.2,0\n", "at least 5 m apart; two are 1.2 m"),
        ("x,y\n0,0\n0,a\n1.2,0\n", "y of places.csv must hold one number"),
        ("x,z\n0,0\n0,900\n900,0\n", "must have columns x and y"),
        ("x,y\n0,0\n", "at least three stations"),
        ("x,y\n0,0\n0,900\n900,0\n900,0\n", "a place of its own"),
        ("x,y\n0,0\n0,900\n900,\n", "positions must be finite"),
    ],
    ids=["in km", "a word", "no y", "one", "twice", "missing"],
)
def test_positions_that_are_no_array_are_told_in_one_sentence(call, tmp_path, text, told):
    Path("places.csv").write_text(text)
    status, _, said = call(
        "simulate", "array", "--events", 10, "--out", "a.parquet", "--array", "places.csv"
    )
    assert status == 2 and told in said and "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["places.csv"]


def test_positions_know_their_unit(call):
    column = "{name: %s, unit: km, datatype: float64}"
    Path("places.ecsv").write_text(
        "# %ECSV 1.0\n# ---\n# datatype:\n"
        f"# - {column % 'x'}\n# - {column % 'y'}\nx y\n0 0\n0 1.2\n1.2 0\n"
    )
    status, *_ = call(
        "simulate", "array", "--events", 300, "--out", "c.parquet", "--array", "places.ecsv",
        "--log-energy", 19, 19.5, "--processes", 1,
    )  # fmt: skip
    assert status == 0
    assert open_production("c.parquet").layout == ((0.0, 0.0), (0.0, 1200.0), (1200.0, 0.0))


def test_the_same_command_again_does_nothing(call, tmp_path):
    options = ["--events", 200, "--out", "a.parquet", "--log-energy", 19, 19.2, "--processes", 1]
    assert call("simulate", "array", *options)[0] == 0
    before = digest(tmp_path / "a.parquet")
    status, said, _ = call("simulate", "array", *options)
    assert status == 0 and "200 showers are there already" in said
    status, _, said = call("simulate", "array", *options, "--seed", 5)
    assert status == 2 and "something else is there" in said
    assert digest(tmp_path / "a.parquet") == before


def test_a_page_of_nothing_is_told(call):
    status, _, said = call("report", "nowhere.parquet")
    assert status == 2 and "nowhere.parquet does not exist" in said


def test_the_page_of_a_file_lies_beside_it(call, made, monkeypatch):
    monkeypatch.setattr("baksan.produce.account.page_of", lambda path: f"<p>{path.name}</p>")
    shutil.copy(made[0], "a.parquet")
    status, said, _ = call("report", "a.parquet")
    assert status == 0 and "Report: a.html" in said
    assert Path("a.html").read_text() == "<p>a.parquet</p>"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--primaries", "p=a"], "names and shares as p=3,Fe=1"),
        (["--primaries", "U"], "primaries must be among p, He"),
        (["--log-energy", "1", "3"], "Give lg of energies in eV, not in EeV"),
        (["--highest-zenith", "80"], "must lie between 0 and 62 degrees; 80 came"),
        (["--array", "nowhere.csv"], "nor does such a file exist"),
        (["--spectrum", "steep"], "one of auger, h3a"),
        (["--spectrum", "nan"], "g of the spectrum E^-g must be finite"),
        (["--weights", "nan"], "g of the spectrum E^-g must be finite"),
        (["--primaries", "gamma=1,p=1", "--log-energy", "18", "19.8"], "photons must stay below"),
        (["--window", "99"], "3 to 41 stations wide"),
        (["--array", "kascade", "--window", "9"], "--window belongs to telescope-array"),
        (["--array", "kascade"], "must lie between 15 and 17"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_settings_that_fit_nothing_are_told_in_one_sentence(call, tmp_path, options, told):
    status, _, said = call("simulate", "array", "--events", 10, "--out", "a.parquet", *options)
    assert status == 2 and told in " ".join(said.split())
    assert "Traceback" not in said and not list(tmp_path.iterdir())


def square(folder, number):
    if number == 4:
        raise ValueError("four is not squared")
    Path(folder, str(number)).write_text(f"{number**2} {os.getpid()}")


def test_work_is_dealt_out_to_others_and_to_oneself(tmp_path):
    told = []
    deal_out(partial(square, str(tmp_path)), [0, 1, 2, 3, 5, 6], 2, told.append)
    assert sorted(told) == [0, 1, 2, 3, 5, 6]
    squares, workers = zip(*((tmp_path / str(k)).read_text().split() for k in told), strict=True)
    assert [int(one) for one in squares] == [k**2 for k in told]
    assert str(os.getpid()) in workers and len(set(workers)) == 2


@pytest.mark.parametrize("numbers", [[4, 0, 1], [0, 1, 2, 4]], ids=["another's", "one's own"])
def test_what_fails_is_told_and_the_rest_is_kept(tmp_path, numbers):
    told = []
    with pytest.raises(ValueError, match="four is not squared"):
        deal_out(partial(square, str(tmp_path)), numbers, 2, told.append)
    assert all((tmp_path / str(k)).exists() for k in told) and 4 not in told


def test_a_script_that_starts_itself_anew_is_told_how_to_go_on(tmp_path):
    script = tmp_path / "mine.py"
    script.write_text(
        "from baksan.produce import Production, produce\n"
        "produce(Production(9000), 'a.parquet', processes=2)\n"
    )
    ended = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "call this under `if __name__ == '__main__':`" in ended.stderr.splitlines()[-1]


def children(pid):
    """The processes that this one started, by number (Linux)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are read from /proc")
def test_a_command_that_was_killed_goes_on(tmp_path):
    options = ["--events", 30_000, "--seed", 7, "--out", "a.parquet", "--processes", 2]
    command = [sys.executable, "-m", "baksan", "simulate", "array", *map(str, options)]
    running = subprocess.Popen(command, cwd=tmp_path)
    parts = tmp_path / "a.parquet.parts"
    while len(list(parts.glob("*.parquet"))) < 2:
        time.sleep(0.1)
    workers = children(running.pid)
    running.kill()
    running.wait()
    until = time.time() + 20
    while any(Path(f"/proc/{one}").exists() for one in workers) and time.time() < until:
        time.sleep(0.1)
    assert workers and not any(Path(f"/proc/{one}").exists() for one in workers)
    assert not (tmp_path / "a.parquet").exists()
    subprocess.run(command, cwd=tmp_path, check=True)
    alone = [*command[:-1], "1"]
    alone[alone.index("a.parquet")] = "b.parquet"
    subprocess.run(alone, cwd=tmp_path, check=True)
    assert digest(tmp_path / "a.parquet") == digest(tmp_path / "b.parquet")

"""The catalogue: what the data sets hold, and what must not be done with them."""

import shutil
from datetime import UTC, datetime

import numpy as np
import pytest

from baksan.data import entry, load, names, stream
from baksan.data.catalogue import ENTRIES
from baksan.data.expressions import columns
from baksan.train.source import open_samples
from baksan.units import known, parse

MAGIC = "magic-gamma-telescope/magic04.data"


def test_every_entry_is_whole():
    assert names() == (
        "magic", "fact-gamma", "fact-energy", "fermi-4fgl", "fermi-3fgl", "fermi-blazars",
        "uhecr-composition", "auger-events", "telescope-array-events", "hisparc",
        "hisparc-kascade", "corsika", "icecube-hese", "digits",
    )  # fmt: skip
    for item in ENTRIES.values():
        assert item.citation and item.licence and item.publisher.startswith("https://")
        assert f"Licence: {item.licence}. Cite: {item.citation}." in item.credit
        assert all(known(f.unit) and f.description for f in item.columns)
        assert len({f.name for f in item.columns}) == len(item.columns)
        assert all(len(sha) == 64 for f in item.files for sha in f.known.values())
        assert {f.part for f in item.files} <= {"", *item.parts}
        assert (item.task == "exploration") == (not item.answer)
        assert (item.task == "classification") == bool(item.class_names)
        assert item.reason(item.answer or "none") == ("it is the answer" if item.answer else None)
        wanted = {c for listed in item.features.values() for f in listed for c in columns(f)}
        assert not any(item.reason(column) for column in wanted)


SIZES = {
    "fact-gamma": ({"proton": 1000, "gamma": 1000}, {"standard": 11, "source": 13}),
    "fact-energy:source": (1000, {"standard": 12, "source": 14}),
    "fact-energy:diffuse": (1000, {"standard": 12}),
    "fermi-3fgl": ({"AGN": 1745, "pulsar": 167}, {"standard": 9, "months": 57}),
    "fermi-3fgl:unassociated": (1010, {"standard": 9, "months": 57}),
    "fermi-blazars": ({"BL Lac": 1131, "FSRQ": 694}, {"standard": 22, "authors": 33}),
    "fermi-blazars:bcu": (1312, {"standard": 22, "authors": 33}),
    "auger-events": (49223, {"standard": 2}),
    "telescope-array-events": (72, {"standard": 4}),
    "hisparc:8006": (25145, {"standard": 2}),
    "hisparc:501": (39, {"standard": 2, "four": 4}),
    "hisparc-kascade": (10, {"standard": 3}),
    "corsika:thinned": (5, {"standard": 5}),
    "corsika:low": (10, {"standard": 5}),
    "corsika:muons": (10, {"standard": 5}),
    "corsika:vertical": (1, {"standard": 5}),
    "icecube-hese": (102, {"standard": 2}),
}


@pytest.mark.usefixtures("data_dir")
@pytest.mark.parametrize("name", SIZES)
def test_no_event_is_lost(name):
    if name.startswith("corsika"):
        pytest.importorskip("corsikaio")
    counts, lists = SIZES[name]
    loaded = load(name)
    for listed, width in lists.items():
        X = loaded.samples(listed)
        told = X.class_counts if isinstance(counts, dict) else len(X)
        assert (told, X.x.shape[1]) == (counts, width)
        assert not any("missing or infinite" in note for note in X.notes)
    assert loaded.entry.credit in repr(loaded)
    unit = {f.name: f.unit for f in loaded.entry.columns}
    held = {n: c.unit for n, c in loaded.table.columns.items() if n in unit}
    assert all(parse(held[n]) == parse(unit[n]) for n in held)


@pytest.mark.usefixtures("data_dir")
@pytest.mark.parametrize(
    ("name", "feature"),
    [
        ("fact-gamma", "corsika_event_header_total_energy"),
        ("fact-gamma", "ceres_event_basic_impact"),
        ("fact-gamma", "1/cos(pointing_position_zd)"),
        ("fact-gamma", "aux_pointing_position_az"),
        ("fact-gamma", "run_id"),
        ("fact-gamma", "incident_angle"),
        ("fact-gamma", "photoncharge_pedestal_mean"),
        ("fact-gamma", "cog_x"),
        ("fact-energy", "log10(corsika_event_header_total_energy)"),
        ("fact-energy", "lgE"),
        ("fact-energy:diffuse", "gamma_energy_prediction"),
        ("fact-energy:diffuse", "source_position_x"),
        ("fermi-3fgl", "Spectral_Index"),
        ("fermi-3fgl", "Cutoff"),
        ("fermi-3fgl", "1FHL_Name"),
        ("fermi-3fgl", "Signif_Peak"),
        ("fermi-3fgl", "GLAT"),
        ("fermi-blazars", "row"),
        ("fermi-blazars", "ASSOC1"),
        ("hisparc", "timestamp"),
        ("hisparc-kascade", "gps"),
        ("corsika", "first_interaction"),
        ("corsika", "log10(x_max)"),
        ("icecube-hese", "recoMorphology"),
    ],
)
def test_what_knows_the_answer_is_forbidden(name, feature):
    if name == "corsika":
        pytest.importorskip("corsikaio")
    with pytest.raises(ValueError, match="is forbidden: "):
        load(name).samples([f"`{feature}`" if feature[0].isdigit() else feature])


@pytest.mark.usefixtures("data_dir")
def test_fact_groups_are_showers_and_alpha_points_to_the_source():
    fact = load("fact-gamma")
    X, table = fact.samples("source"), fact.table
    assert len(np.unique(X.group)) == 1992
    alpha, dist = table["alpha"], table["dist"]
    image, source = (table.matrix([f"{n}_x", f"{n}_y"]) for n in ("cog", "source_position"))
    axis = np.column_stack([np.cos(table["delta"]), np.sin(table["delta"])])
    along = np.abs(((image - source) * axis).sum(axis=1))  # Pythagoras, without an arc cosine
    np.testing.assert_allclose(dist * np.cos(np.radians(alpha)), along, rtol=1e-9, atol=1e-9)
    assert np.median(alpha[X.y == 1]) < 6 and 40 < np.median(alpha[X.y == 0]) < 50
    energy = load("fact-energy").samples()
    assert energy.task == "regression" and 2.3 <= energy.y.min() and energy.y.max() < 4.6
    np.testing.assert_allclose(
        10**energy.y, table["corsika_event_header_total_energy"][:1000], rtol=1e-12
    )


@pytest.mark.usefixtures("data_dir")
def test_hardness_ratios_of_3fgl_are_bounded():
    X = load("fermi-3fgl").samples()
    ratios = X.x[:, [j for j, name in enumerate(X.names) if name.startswith("HR")]]
    assert ratios.shape[1] == 4 and np.abs(ratios).max() <= 1
    assert X.ids[0].startswith("3FGL J") and X.features[0].description.startswith("= log(")
    months = load("fermi-3fgl").table.column("Flux_History")
    assert months.values.shape == (1912, 48) and months.unit == "photon cm-2 s-1"


@pytest.mark.usefixtures("data_dir")
def test_times_of_telescope_array():
    table = load("telescope-array-events").table
    parts = [table[n].tolist() for n in ("year", "month", "day", "hour", "minute", "second")]
    for told, *part in zip(table["utime"].tolist(), *parts, strict=True):
        clock = datetime.strptime(" ".join(map(str, part)), "%Y %b %d %H %M %S")
        assert told == clock.replace(tzinfo=UTC).timestamp()
    assert (table["energy"] > 57).all() and (table["theta"] < 55).all()


@pytest.mark.usefixtures("data_dir")
def test_sets_without_answer_ask_for_one():
    sets = "auger-events", "telescope-array-events", "hisparc", "hisparc-kascade", "icecube-hese"
    for name in sets:
        assert load(name).samples().y is None
        with pytest.raises(ValueError, match=f"{name}(:8006)?: which column is the answer"):
            open_samples(name)
    X = open_samples("auger-events", answer="lgE").samples
    assert (len(X), X.task, X.names) == (49223, "regression", ("stations", "1/cos(theta[rad])"))
    assert np.corrcoef(X.x[:, 0], X.y)[0, 1] > 0.6
    X = open_samples("icecube-hese", answer="morphology").samples
    assert X.class_counts == {"double cascade": 4, "shower": 71, "track": 27}


@pytest.mark.usefixtures("data_dir")
def test_marks_of_hisparc_are_missing_and_no_other_value():
    two, four = load("hisparc").table, load("hisparc:501").table
    third = [f"{name}_{j}" for name in ("pulseheight", "integral", "number", "arrival")
             for j in (3, 4)]  # fmt: skip
    lost = {name: int(two.column(name).missing.sum()) for name in two.names}
    assert {n: k for n, k in lost.items() if k} == {
        **dict.fromkeys((*third, "zenith", "azimuth"), 25145), "arrival_1": 1, "trigger_time": 104,
    }  # fmt: skip
    lost = {
        n: int(four.column(n).missing.sum()) for n in four.names if four.column(n).missing.any()
    }
    assert lost == {"arrival_1": 17, "arrival_2": 13, "arrival_3": 17, "arrival_4": 17,
                    "zenith": 31, "azimuth": 31}  # fmt: skip
    assert (four["azimuth"] == -1).sum() == 1  # an angle
    assert (four["zenith"][four["zenith"] == four["zenith"]] >= 0).all()
    assert "25,145 rows of number_3 held −1: taken as missing." in two.notes
    # GPS and text of one clock: timestamp and time agree.
    clock = [int(s) for s in four["time"][1].split(":")]
    assert four["timestamp"][1] % 86400 == clock[0] * 3600 + clock[1] * 60 + clock[2]


@pytest.mark.usefixtures("data_dir")
def test_showers_of_kascade_beside_hisparc():
    table = load("hisparc-kascade").table
    assert int(table.column("temperature").missing.sum()) == 5
    assert int(table.column("pressure").missing.sum()) == 5
    assert np.nanmax(table["pressure"]) == pytest.approx(984.061)
    energy = np.log10(table["energy"])
    assert 14 < energy.min() and energy.max() < 16
    assert np.corrcoef(energy, np.log10(table["n_electrons"]))[0, 1] > 0.8
    assert (table["electrons_1"] > table["muons_1"]).all() and table["zenith"].max() < np.pi / 2


def test_a_month_that_is_none_is_refused(tmp_path):
    (tmp_path / "TA.txt").write_text("2008 May 11 1 2 3 10.0 60.0 1.0 2.0 3.0 4.0\n" * 2)
    made = entry("telescope-array-events").make([tmp_path / "TA.txt"], "all")
    assert made["utime"].tolist() == [1210467723] * 2
    (tmp_path / "TA.txt").write_text("2008 Mai 11 1 2 3 10.0 60.0 1.0 2.0 3.0 4.0\n" * 2)
    with pytest.raises(ValueError, match="'month' must hold Jan, .*; row 1 has 'Mai'"):
        entry("telescope-array-events").make([tmp_path / "TA.txt"], "all")


@pytest.mark.slow
@pytest.mark.usefixtures("data_dir")
def test_no_column_alone_tells_gamma_from_proton():
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.tree import DecisionTreeClassifier

    fact = load("fact-gamma")
    gamma = fact.table["class"] == "gamma"
    tree = DecisionTreeClassifier(min_samples_leaf=20, random_state=0)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)

    def auc(name):
        _, x = np.unique(fact.table[name], return_inverse=True)
        scores = cross_val_predict(tree, x[:, None], gamma, cv=folds, method="predict_proba")
        return roc_auc_score(gamma, scores[:, 1])

    numbers = [n for n, c in fact.table.columns.items() if not c.is_text]
    allowed = [n for n in numbers if not fact.entry.reason(n) and n not in ("alpha", "dist")]
    assert len(allowed) > 100 and max(map(auc, allowed)) < 0.7
    for name in ("pointing_position_az", "pointing_position_zd", "run_id", "source_position_az"):
        assert auc(name) > 0.95 and fact.entry.reason(name)


def test_digits_need_no_data_folder():
    digits = load("digits")
    X = digits.samples()
    assert X.x.shape == (1797, 64)
    assert X.class_names == tuple("0123456789")
    assert digits.checksums() == {"digits.csv.gz": entry("digits").files[0].known["digits.csv.gz"]}
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    np.testing.assert_array_equal(X.x, images)
    np.testing.assert_array_equal(X.y, labels)


@pytest.mark.usefixtures("data_dir")
def test_magic():
    magic = load("magic")
    X = magic.samples()
    assert X.class_counts == {"hadron": 6688, "gamma": 12332}
    assert [f.unit for f in X.features] == ["mm", "mm", "", "", "", "mm", "mm", "mm", "deg", "mm"]
    assert len(X) - len(np.unique(X.group)) == 115
    first = {}
    for row, group in zip(X.x.tolist(), X.group.tolist(), strict=True):
        assert first.setdefault(tuple(row), group) == group


@pytest.mark.usefixtures("data_dir")
def test_magic_with_formulas_and_conditions():
    magic = load("magic")
    X = magic.samples("fAlpha, area=fLength*fWidth", where="fSize > 2.3 and fDist < 250")
    assert X.names == ("fAlpha", "area")
    assert X.notes[0].endswith("rows left out by the condition fSize > 2.3 and fDist < 250.")
    assert magic.samples(signal="hadron").class_names == ("gamma", "hadron")
    energy = magic.samples(["fLength"], answer="fSize")
    assert (energy.task, energy.class_names) == ("regression", ())
    for feature in ("class", "group", "log10(group + 1)"):
        with pytest.raises(ValueError, match=r"is forbidden: it"):
            magic.samples([feature])


def changed(data_dir, tmp_path, monkeypatch, row=0, old="", new="", header=""):
    """MAGIC with one cell of one row replaced or a header added, as the only data there are."""
    folder = tmp_path / "magic-gamma-telescope"
    folder.mkdir()
    rows = (data_dir / MAGIC).read_text().splitlines(keepends=True)
    assert old in rows[row]
    rows[row] = rows[row].replace(old, new, 1)
    (folder / "magic04.data").write_text(header + "".join(rows))
    monkeypatch.setenv("BAKSAN_DATA", str(tmp_path))


def test_edited_digits_are_noticed(data_dir, tmp_path, monkeypatch):
    changed(
        data_dir,
        tmp_path,
        monkeypatch,
        0,
        "28.7967",
        "28.7976",
    )
    with pytest.raises(ValueError, match=r"(?s)magic04.data.*e9314b7e.*--allow-changed"):
        load("magic")
    magic = load("magic", allow_changed=True)
    assert magic.table["fLength"][0] == 28.7976
    assert "is not the published file: its SHA-256 is" in magic.samples().notes[0]


def test_an_added_header_is_understood_when_allowed(data_dir, tmp_path, monkeypatch):
    header = "fLength,fWidth,fSize,fConc,fConc1,fAsym,fM3Long,fM3Trans,fAlpha,fDist,class\n"
    changed(data_dir, tmp_path, monkeypatch, header=header)
    with pytest.raises(ValueError, match="--allow-changed"):
        load("magic")
    assert len(load("magic", allow_changed=True).table) == 19020


def test_a_foreign_header_is_refused(data_dir, tmp_path, monkeypatch):
    header = "length,width,fSize,fConc,fConc1,fAsym,fM3Long,fM3Trans,fAlpha,fDist,class\n"
    changed(data_dir, tmp_path, monkeypatch, header=header)
    with pytest.raises(ValueError, match="a column 'fLength' is needed; the header has length"):
        load("magic", allow_changed=True)


def test_blanked_cells_are_left_out_and_counted(data_dir, tmp_path, monkeypatch):
    changed(data_dir, tmp_path, monkeypatch, 0, "28.7967", "")
    X = load("magic", allow_changed=True).samples()
    assert len(X) == 19019
    assert "1 row left out: fLength is missing or infinite." in X.notes


def test_wrong_classes_are_refused(data_dir, tmp_path, monkeypatch):
    changed(
        data_dir,
        tmp_path,
        monkeypatch,
        4,
        ",g",
        ",q",
    )
    with pytest.raises(ValueError, match="'class' must hold g, h; row 5 has 'q'"):
        load("magic", allow_changed=True)


@pytest.mark.usefixtures("data_dir")
def test_fermi_has_two_parts():
    labelled = load("fermi-4fgl").samples()
    assert labelled.class_counts == {"AGN": 3009, "pulsar": 241}
    assert labelled.ids[0] == "4FGL J0001.2+4741"
    assert labelled.features[3].unit == "erg cm-2 s-1"
    assert len(load("fermi-4fgl").samples("with_errors")) == 3250
    unknown = load("fermi-4fgl:unassociated").samples()
    assert (len(unknown), unknown.y) == (1525, None)
    assert unknown.names == labelled.names
    assert not set(unknown.ids.tolist()) & set(labelled.ids.tolist())


@pytest.mark.usefixtures("data_dir")
@pytest.mark.parametrize(
    "feature",
    ["ASSOC_PROB_BAY", "Unc_Counterpart", "RA_Counterpart", "GLAT", "Flags", "abs(GLAT)", "type"],
)
def test_fermi_forbids_what_knows_the_answer(feature):
    with pytest.raises(ValueError, match="is forbidden: .* load"):
        load("fermi-4fgl").samples(["PL_Index", feature])


@pytest.mark.slow
@pytest.mark.usefixtures("data_dir")
def test_fermi_is_as_hard_as_it_should_be_and_easy_with_the_forbidden_columns():
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    def auc(X):
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        trees = HistGradientBoostingClassifier(random_state=0)
        scores = cross_val_predict(trees, X.x, X.y, cv=folds, method="predict_proba")
        return roc_auc_score(X.y, scores[:, 1])

    fermi = load("fermi-4fgl")
    assert 0.985 < auc(fermi.samples()) < 0.995
    cheating = [*fermi.entry.features["standard"], "ASSOC_PROB_BAY", "Unc_Counterpart"]
    spoiled = fermi.table.samples(
        features=cheating, answer="type", class_names=fermi.entry.class_names
    )
    assert auc(spoiled) > 0.999


@pytest.mark.usefixtures("data_dir")
def test_uhecr_groups_are_whole_geometries():
    uhecr = load("uhecr-composition")
    X = uhecr.samples()
    assert X.class_names == ("photon", "proton", "helium", "nitrogen", "iron")
    assert set(X.class_counts.values()) == {10000}
    assert (X.group == X.ids // 10).all()
    assert (X.ids % 10 == X.y).all()
    assert np.unique(X.group, return_counts=True)[1].max() == 5
    geometry = uhecr.table.matrix(["zenith", "energy"])
    order = np.argsort(X.group, kind="stable")
    same = np.diff(X.group[order]) == 0
    assert (geometry[order][1:][same] == geometry[order][:-1][same]).all()
    depth = uhecr.table["Xmax"]
    assert np.isnan(depth).sum() == 185 and np.nanmax(depth) <= 2000 and np.nanmin(depth) > 0
    assert len(uhecr.samples("three").names) == 3
    assert uhecr.table.column("energy").unit == "EeV"


@pytest.mark.slow
@pytest.mark.usefixtures("data_dir")
def test_five_features_tell_the_composition():
    from sklearn.ensemble import HistGradientBoostingClassifier

    train, test = load("uhecr-composition").samples().split(0.8, seed=0)
    trees = HistGradientBoostingClassifier(random_state=0).fit(train.x, train.y)
    assert trees.score(test.x, test.y) > 0.970


def test_a_cut_set_without_its_files_says_where_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("BAKSAN_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(FileNotFoundError, match="Fetch it with baksan data fetch magic"):
        load("magic")


def test_data_are_found_flat_and_in_the_cache(data_dir, tmp_path, monkeypatch):
    pooch = pytest.importorskip("pooch")
    monkeypatch.setenv("BAKSAN_DATA", str(tmp_path / "given"))
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    (tmp_path / "cache/baksan").mkdir(parents=True)
    shutil.copy(data_dir / MAGIC, tmp_path / "cache/baksan/magic04.data")
    assert load("magic").files == (tmp_path / "cache/baksan/magic04.data",)


def test_names_that_are_nothing():
    with pytest.raises(KeyError, match="'magik' is none of them.*magic, fact-gamma"):
        load("magik")
    with pytest.raises(KeyError, match="fermi-4fgl has the parts labelled, unassociated"):
        load("fermi-4fgl:all")
    with pytest.raises(FileNotFoundError, match="no such file: events.csv"):
        load("events.csv")


def test_a_file_of_that_name_wins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "magic").write_text("E,kind\n1,g\n2,h\n3,g\n")
    loaded = load("magic")
    assert loaded.entry is None
    X = loaded.samples("lgE=log10(E)", answer="kind", signal="g", where="E < 3")
    assert (X.names, X.class_names, len(X)) == (("lgE",), ("h", "g"), 2)
    assert list(loaded.checksums()) == ["magic"]


def test_streams_of_files_and_sets(tmp_path):
    (tmp_path / "t.csv").write_text("a\n" + "1\n" * 10)
    assert [len(t) for t in stream(tmp_path / "t.csv", 4)] == [4, 4, 2]
    parts = list(stream("digits", 1000))
    assert [len(t) for t in parts] == [1000, 797]
    assert parts[1].rows[0] == 1000

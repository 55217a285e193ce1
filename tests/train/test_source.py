"""Source: samples from a file or a name, with what is needed to repeat, explain and apply them."""

import hashlib

import numpy as np
import pytest
from tests.runs import events, table_of, write_csv

from baksan.train.source import from_table, open_samples, open_table


@pytest.fixture
def path(tmp_path):
    return write_csv(tmp_path / "events.csv", events(40))


def test_a_file_gives_samples_and_what_is_known_of_them(path):
    opened = open_samples(str(path), answer="kind", signal="gamma")
    assert opened.samples.class_names == ("hadron", "gamma") and len(opened.samples) == 40
    source = opened.source
    assert source.name == str(path) and source.location == "events.csv"
    assert source.sha256 == {"events.csv": hashlib.sha256(path.read_bytes()).hexdigest()}
    assert source.inputs == {"width": "mm", "length": "mm", "noise": "mm"}
    assert source.formulas == {} and source.id is None and opened.bin_by is None
    assert source.settings["answer"] == "kind" and source.settings["signal"] == "gamma"


@pytest.mark.parametrize(
    "features",
    [
        ["width,ratio=width/length,log10(length)"],
        ["width", "ratio=width/length", "log10(length)"],
        ["width,ratio=width/length", "log10(length)"],
    ],
)
def test_formulas_and_the_columns_they_need(path, features):
    opened = open_samples(str(path), answer="kind", features=features)
    assert opened.samples.names == ("width", "ratio", "log10(length)")
    assert opened.source.inputs == {"width": "mm", "length": "mm"}
    assert opened.source.formulas == {
        "ratio": "width[mm]/length[mm]", "log10(length)": "log10(length[mm])"
    }  # fmt: skip


def test_elements_of_vectors_are_formulas():
    table = table_of(events(20)).with_columns({"flux": np.arange(40.0).reshape(20, 2)})
    opened = from_table(table, name="t", answer="kind", features=["flux"])
    assert opened.samples.names == ("flux[0]", "flux[1]")
    assert opened.source.inputs == {"flux": ""}
    assert opened.source.formulas == {"flux[0]": "flux[0]", "flux[1]": "flux[1]"}


@pytest.mark.parametrize("by", ["length", "log10(length)", "noise"])
def test_a_variable_to_bin_by_is_no_feature(path, by):
    opened = open_samples(str(path), answer="kind", features=["width", "noise"], bin_by=by)
    assert opened.samples.names == ("width", "noise")
    assert opened.bin_by.name == by and len(opened.bin_by.values) == 40
    length = events(40).x[:, 1]
    expected = {"length": length, "log10(length)": np.log10(length), "noise": events(40).x[:, 2]}
    np.testing.assert_allclose(opened.bin_by.values, expected[by], rtol=1e-12)
    counts, _ = np.histogram(opened.bin_by.values, opened.bin_by.edges)
    assert len(counts) == 10 and set(counts) == {4}


def test_numbers_are_binned_by_the_answer_anyway(tmp_path):
    path = write_csv(tmp_path / "n.csv", events(40, 0))
    opened = open_samples(str(path), answer="kind", bin_by="kind")
    assert opened.bin_by is None and "kind" not in opened.samples.names


def test_a_variable_to_bin_by_is_one_number_an_event(path):
    with pytest.raises(TypeError, match="must be one number an event; 'kind' holds text"):
        open_samples(str(path), answer="width", features=["length"], bin_by="kind")
    table = table_of(events(20)).with_columns({"flux": np.arange(40.0).reshape(20, 2)})
    with pytest.raises(TypeError, match="'flux' holds vectors"):
        from_table(table, name="t", answer="kind", features=["width"], bin_by="flux")


def test_rows_without_the_variable_to_bin_by_are_counted(tmp_path):
    seen = np.where(np.arange(40) < 3, "", "7.5").astype(object)
    seen[5:] = np.arange(35).astype(str)
    path = write_csv(tmp_path / "b.csv", events(40), {"zenith [deg]": seen})
    opened = open_samples(str(path), answer="kind", features=["width"], bin_by="zenith")
    assert len(opened.samples) == len(opened.bin_by.values) == 37
    assert "3 rows left out: zenith is missing or infinite." in opened.samples.notes
    assert opened.bin_by.unit == "deg"


def test_weights_groups_ids_and_conditions(tmp_path):
    more = {"w": np.linspace(0.5, 2, 40), "run": np.arange(40) // 4, "event": np.arange(40) + 100}
    path = write_csv(tmp_path / "w.csv", events(40), more)
    opened = open_samples(
        str(path), answer="kind", weight="w", group="run", id="event", where="length > 100"
    )
    X = opened.samples
    assert X.names == ("width", "length", "noise") and X.ids[0] >= 100
    assert len(X) == (events(40).x[:, 1] > 100).sum() and opened.source.id == "event"
    assert any("rows left out by the condition length > 100" in note for note in X.notes)
    assert len(open_table(str(path), where="length > 100").table) == len(X)


def test_what_is_refused_and_why(path, tmp_path):
    with pytest.raises(ValueError, match=r"which column is the answer\? There are width, length"):
        open_samples(str(path))
    with pytest.raises(KeyError, match="a file, a folder or a name of the catalogue is needed"):
        open_samples("majic", answer="class")
    with pytest.raises(FileNotFoundError, match="no such file"):
        open_samples(str(tmp_path / "none.csv"), answer="kind")
    for option in ("answer", "weight", "group", "id"):
        with pytest.raises(
            KeyError, match="no column 'nope'; there are width, length, noise, kind"
        ):
            open_samples(str(path), **{"answer": "kind", option: "nope"})
    for option in ({"features": ["nope"]}, {"bin_by": "nope"}, {"where": "nope > 1"}):
        with pytest.raises(KeyError, match="no column 'nope'"):
            open_samples(str(path), answer="kind", **option)
    with pytest.raises(ValueError, match="signal class must occur; 'muon' does not"):
        open_samples(str(path), answer="kind", signal="muon")
    with pytest.raises(ValueError, match="__import__"):
        open_samples(str(path), answer="kind", where="__import__('os').getpid() > 0")


def test_a_name_of_the_catalogue(data_dir):
    opened = open_samples("magic")
    assert opened.source.name == "magic" and "MAGIC" in opened.source.title
    assert opened.source.inputs["fLength"] == "mm" and len(opened.source.inputs) == 10
    assert opened.source.citation and opened.source.licence
    assert opened.samples.class_names[1] in ("gamma", "g")


def test_a_list_of_features_by_its_name(data_dir):
    opened = open_samples("uhecr-composition", features=["three"])
    assert len(opened.samples.names) == 3
    assert set(opened.source.inputs) == {"MU", "energy", "zenith"}
    assert opened.source.group_rule.startswith("id // 10")


def test_a_table_made_in_memory():
    opened = from_table(
        table_of(events(20)), name="toy", title="Toy", answer="kind", signal="gamma"
    )
    assert (opened.source.name, opened.source.title, opened.source.sha256) == ("toy", "Toy", {})
    assert opened.source.inputs == {"width": "mm", "length": "mm", "noise": "deg"}


def test_a_part_without_answers_cannot_be_trained_on(data_dir):
    for answer in (None, "type"):
        with pytest.raises(ValueError) as caught:
            open_samples("fermi-4fgl:unassociated", answer=answer)
        assert str(caught.value) == (
            "fermi-4fgl:unassociated: events of known type are needed to train; these have none."
            " Train on fermi-4fgl:labelled, then predict these with baksan apply."
        )


def test_a_condition_that_keeps_nothing(tmp_path):
    path = write_csv(tmp_path / "t.csv", events(30))
    for opening in (open_table, lambda x, **more: open_samples(x, answer="kind", **more)):
        with pytest.raises(ValueError) as caught:
            opening(str(path), where="width > 1e9")
        assert str(caught.value) == (
            f"{path}: the condition must keep some rows; 'width > 1e9' keeps none of 30."
            " Ask for less."
        )
    assert len(open_table(str(path), where="width > 0").table) < 30


def test_opening_says_what_it_does(tmp_path):
    path, told = write_csv(tmp_path / "t.csv", events(30)), []
    open_samples(str(path), answer="kind", progress=told.append)
    assert told == [f"reading {path}: 30 rows", "SHA-256 of t.csv"]


def test_a_forbidden_column_is_refused_with_what_to_do():
    with pytest.raises(ValueError) as caught:
        open_samples("digits", features=["pixel_3_3", "digit"])
    said = str(caught.value)
    assert "'digit' is forbidden: it is the answer. Take a list such as --features standard" in said
    assert "train on the file itself (" in said and "load('digits').table" in said


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_forbidden_as_a_feature_may_be_binned_by(stream):
    asked = {"features": ["PL_Index", "LP_beta"], "stream": stream}
    opened = open_samples("fermi-4fgl", bin_by="abs(GLAT)", **asked)
    assert opened.samples.names == ("PL_Index", "LP_beta")
    assert set(opened.source.inputs) == {"PL_Index", "LP_beta"}
    assert opened.bin_by.name == "abs(GLAT)" and opened.bin_by.values.max() <= 90
    with pytest.raises(ValueError, match="'GLAT' is forbidden"):
        open_samples("fermi-4fgl", **{**asked, "features": ["PL_Index", "GLAT"]}, bin_by="GLAT")

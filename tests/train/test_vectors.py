"""Answers that are directions or places: made of two columns, learned, judged by how far they are
missed, written in degrees and metres."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose

import baksan as bk
from baksan import losses
from baksan.cli import main
from baksan.data.vectors import parts_of, with_vector
from baksan.evaluate import evaluate
from baksan.metrics import METRICS, Prediction, quantiles
from baksan.physics.directions import angle_between, unit_vector
from baksan.samples import Feature, Samples
from baksan.solvers.adaptive import Adam
from baksan.solvers.schedules import Cosine
from baksan.store import RunFolder, load_model
from baksan.table import Table
from baksan.table.column import Column
from baksan.train import train
from baksan.train.lineup import Ours
from baksan.train.source import from_table

RNG = np.random.default_rng(5)
N = 400
ZENITH, AZIMUTH = np.rad2deg(np.arccos(RNG.uniform(0.6, 1, N))), RNG.uniform(0, 360, N)
SEEN = unit_vector(np.deg2rad(ZENITH), np.deg2rad(AZIMUTH)) + RNG.normal(0, 0.03, (N, 3))
CORE = RNG.normal(0, 300, (N, 2))
RULE = CORE + RNG.normal(0, 40, (N, 2))


def table():
    theta, phi = np.arccos(SEEN[:, 2] / np.linalg.norm(SEEN, axis=1)), np.arctan2(*SEEN.T[1::-1])
    columns = {
        "true_zenith": Column(ZENITH, "deg", role="truth"),
        "true_azimuth": Column(np.deg2rad(AZIMUTH), "rad", role="truth"),
        "zenith": Column(np.rad2deg(theta), "deg"), "azimuth": Column(phi, "rad"),
        "true_x": Column(CORE[:, 0], "m"), "true_y": Column(CORE[:, 1] / 1000, "km"),
        "x": Column(RULE[:, 0], "m"), "y": Column(RULE[:, 1], "m"),
        "u": Column(SEEN[:, 0]), "v": Column(SEEN[:, 1]),
    }  # fmt: skip
    return Table(columns, "showers")


def opened(answer, **more):
    return from_table(table(), name="showers", answer=answer, **more)


DIRECTION, POSITION = "direction(true_zenith, true_azimuth)", "position(true_x, true_y)"


# Made of two columns ------------------------------------------------------------------------------


def test_a_direction_is_its_unit_vector_whatever_the_units():
    X = opened(DIRECTION).samples
    assert_allclose(X.y, unit_vector(np.deg2rad(ZENITH), np.deg2rad(AZIMUTH)), atol=1e-12)
    assert (X.answer.kind, X.answer.unit) == ("direction", "deg")
    assert not {"true_zenith", "true_azimuth"} & set(X.names)


def test_a_position_is_in_the_unit_of_its_first_coordinate():
    X = opened(POSITION).samples
    assert_allclose(X.y, CORE)
    assert (X.answer.kind, X.answer.unit) == ("position", "m")
    assert not {"true_x", "true_y"} & set(X.names), "what the answer is made of is no feature"


def test_rows_that_lack_a_half_are_left_out_and_counted():
    zenith = ZENITH.copy()
    zenith[7] = np.nan
    held = table().with_columns({"true_zenith": Column(zenith, "deg")})
    X = from_table(held, name="showers", answer=DIRECTION).samples
    assert len(X) == N - 1 and any("1 row left out" in note for note in X.notes)


@pytest.mark.parametrize(("call", "said"), [
    (lambda: parts_of("direction(zenith)"), "made of two columns.*has 1"),
    (lambda: opened("direction(u, v)"), "whose unit is known.*'none' and 'none'"),
    (lambda: opened("direction(true_x, zenith)"), "unit that converts to 'rad'"),
    (lambda: opened("position(true_x, nothing)"), "nothing"),
    (lambda: opened(DIRECTION, features=["true_zenith", "u"]), "made of the answer"),
])  # fmt: skip
def test_what_is_no_vector_is_refused(call, said):
    with pytest.raises((ValueError, KeyError), match=said):
        call()


def test_other_answers_stay_as_they_are():
    held = table()
    assert with_vector(held, "u") == (held, ()) and parts_of("log10(u)") is None


# Judged by how far they are missed ----------------------------------------------------------------


def test_figures_are_quantiles_of_the_angle():
    X = opened(DIRECTION).samples
    found = evaluate({"seen": Prediction(value=SEEN)}, X, replicas=50)
    angle = np.rad2deg(angle_between(SEEN, X.y))
    for name, share in (("within_50", 0.5), ("within_68", 0.6827), ("within_95", 0.95)):
        assert found.value("seen", name) == pytest.approx(quantiles(angle, [share])[0])
    # Two errors of σ across the axis: Rayleigh's distribution.
    assert found.value("seen", "within_68") == pytest.approx(np.rad2deg(0.03) * 1.515, rel=0.08)
    row = found.row("seen", "within_68")
    assert row["low"] < row["value"] < row["high"]
    assert found.leading == "within_68" and found.bins["name"] == "zenith angle"
    assert found.metrics["within_68"]["unit"] == "deg"


def test_the_length_of_a_predicted_direction_does_not_matter():
    X = opened(DIRECTION).samples
    found = evaluate({n: Prediction(value=f * SEEN) for n, f in (("a", 1), ("b", 7))}, X,
                     replicas=20)  # fmt: skip
    assert found.value("a", "within_68") == pytest.approx(found.value("b", "within_68"))


def test_weights_count():
    X = opened(POSITION).samples
    heavy = X.with_parts(weight=np.where(np.arange(N) < N // 2, 1.0, 1e-9))
    off = np.linalg.norm(RULE - CORE, axis=1)
    found = evaluate({"rule": Prediction(value=RULE)}, heavy, replicas=20)
    assert found.value("rule", "within_68") == pytest.approx(quantiles(off[: N // 2], [0.6827])[0])


def test_one_number_is_no_direction():
    X = opened(DIRECTION).samples
    with pytest.raises(ValueError, match="must predict a direction.*Take a method"):
        evaluate({"half": Prediction(value=ZENITH)}, X)
    assert [m for m, v in METRICS.items() if v.vectors] == ["within_68", "within_50", "within_95"]


# Learned and written ------------------------------------------------------------------------------


def quick(loss):
    return Ours("net", "Net", "", bk.Network((16,)), loss, Adam(Cosine(0.02), epochs=150))


@pytest.mark.parametrize(("answer", "rule", "features", "loss", "limit"), [
    (DIRECTION, "direction(zenith, azimuth)", ["zenith", "azimuth", "u", "v"],
     losses.von_mises_fisher, 8.0),
    (POSITION, "position(x, y)", ["x", "y"], losses.distance, 75.0),
])  # fmt: skip
def test_networks_and_rules_side_by_side(answer, rule, features, loss, limit, tmp_path):
    found = opened(answer, features=features)
    run = train(
        found.samples, [quick(loss), f"column:{rule}"], test=0.5, source=found.source,
        replicas=30, out=tmp_path / "r",
    )  # fmt: skip
    names = run.evaluation.models
    assert all(run.evaluation.value(name, "within_68") < limit for name in names)
    assert list(run.unsaved) == [names[1]] and "No model file" in run.unsaved[names[1]]
    # What is written is what was judged.
    rows = pq.read_table(tmp_path / "r" / "predictions.parquet")
    kind = found.samples.answer.kind
    ends = ("zenith", "azimuth") if kind == "direction" else ("x", "y")
    told, truth = ([rows[f"{what}_{e}"].to_numpy() for e in ends] for what in
                   ("prediction", "answer"))  # fmt: skip
    if kind == "direction":
        off = np.rad2deg(angle_between(*(unit_vector(*np.deg2rad(v)) for v in (told, truth))))
    else:
        off = np.hypot(*np.subtract(told, truth))
    mine = rows["method"].to_numpy() == "net"
    assert quantiles(off[mine], [0.6827])[0] == pytest.approx(
        run.evaluation.value("net", "within_68"), rel=1e-6
    )
    # The model file answers alike, and its card says what it answers.
    stored = load_model(tmp_path / "r" / "models" / "net.baksan")
    assert stored.card.answer.kind == kind
    value = stored.apply(table())[0].value
    assert_allclose(value, run.models["net"].apply(table())[0].value)
    assert "answer" in (tmp_path / "r" / "report.html").read_text(encoding="utf-8")


@pytest.fixture
def file(tmp_path):
    lines = [[f"{n} [{c.unit}]" if c.unit else n for n, c in table().columns.items()]]
    lines += np.column_stack([c.values for c in table().columns.values()]).astype(str).tolist()
    (tmp_path / "s.csv").write_text("\n".join(",".join(line) for line in lines))
    return str(tmp_path / "s.csv")


def test_a_run_of_a_rule_is_gone_on_with(file, tmp_path):
    out = tmp_path / "r"
    asked = ["--answer", POSITION, "--features", "x,y", "-m", "column:position(x, y)"]
    for how in ([file, *asked, "--test", "0.5"], ["--resume"]):
        with pytest.raises(SystemExit, match="0"):
            main(["train", *how, "--out", str(out), "--no-report", "--quiet"])
        (out / "report.json").unlink()
    assert RunFolder(out).config["methods"] == {"x+y": "column:position(x, y)"}


@pytest.mark.parametrize(("methods", "said"), [
    (["trees"], "trees answers with one number, and a direction is asked for"),
    (["linear"], "linear answers with one number"),
    (["column:zenith"], "must tell what is asked, a direction; it is a number"),
    (["column:position(x, y)"], "must tell what is asked, a direction; it is a position"),
    (["column:direction(zenith, nowhere)"], "needs 'nowhere' among the features"),
])  # fmt: skip
def test_methods_that_do_not_fit_are_refused(methods, said):
    with pytest.raises(ValueError, match=said):
        train(opened(DIRECTION).samples, methods)


def test_two_numbers_without_a_meaning_are_refused():
    with pytest.raises(ValueError, match="say what they are together"):
        train(Samples(SEEN, CORE, answer=Feature("places")), ["network"])


def test_a_stream_of_vectors_is_refused(file, capsys):
    with pytest.raises(SystemExit):
        main(["train", file, "--answer", POSITION, "--stream", "--quiet"])
    assert "is learned from events in memory" in " ".join(capsys.readouterr().err.split())

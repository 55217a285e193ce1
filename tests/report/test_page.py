"""The page: valid, offline, accessible, complete, and quiet about what is not there."""

import copy
import html.parser
import itertools
import re

import pytest
from tests.report.report_contents import METHODS, classification, regression

from baksan.evaluate import plus_minus
from baksan.report import pictures, plots
from baksan.report.blocks import number, rounded
from baksan.report.page import render
from baksan.report.sections import sections
from baksan.report.tables import differences_table, models_tables

VOID = {"meta", "link", "br", "img", "path", "use", "rect", "image", "hr", "circle", "line"}


class Reader(html.parser.HTMLParser):
    """Tags, attributes and text of a page; notes what is not closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.words = [], [], []
        self.feed(text.replace("<wbr>", ""))  # where a long name may be broken
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "svg"} & set(self.open):
            self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))

    def all(self, *names):
        return [(tag, a) for tag, a in self.tags if tag in names]


@pytest.fixture(scope="module")
def contents():
    chosen = {m: METHODS[m] for m in ("linear", "logistic-sgd", "cuts", "forest")}
    return classification(n=400, methods=chosen, replicas=10)


@pytest.fixture(scope="module")
def page(contents):
    return render(contents)


@pytest.fixture(scope="module")
def reader(page):
    return Reader(page)


def test_every_tag_is_closed_and_ids_are_unique(reader):
    assert reader.open == []
    ids = [a["id"] for _, a in reader.tags if "id" in a]
    assert len(ids) == len(set(ids)) > 15


def test_nothing_is_fetched(page, reader):
    assert not re.search(r"https?:|url\((?!#)|@import|<script|<iframe", page)
    for _, a in reader.tags:
        for key in ("src", "href", "xlink:href"):
            assert a.get(key, "#").startswith(("#", "data:"))
    assert "default-src 'none'" in page


def test_links_lead_somewhere(reader):
    ids = {a["id"] for _, a in reader.tags if "id" in a}
    targets = [a["href"][1:] for _, a in reader.all("a")]
    assert len(targets) == 1 + 2 * 15 and set(targets) <= ids


def test_every_picture_says_what_it_shows_and_every_figure_has_a_caption(reader):
    pictures = reader.all("svg", "img")
    small = [a for _, a in reader.all("div") if a.get("class") == "picture narrow small"]
    assert len(small) == 10 and len(pictures) == 18 + len(small)
    assert all(a.get("role") == "img" and len(a["aria-label"]) > 20 for _, a in pictures)
    assert len(reader.all("figure")) == len(reader.all("figcaption")) == 12
    assert len(reader.all("table")) == len(reader.all("caption")) == 7


def test_headings_are_in_order_and_start_with_the_title(reader):
    levels = [int(tag[1]) for tag, _ in reader.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_the_summary_comes_first_and_the_provenance_last(reader):
    text = reader.text
    order = ["Gamma or hadron?", "The forest separates best: AUC 0.937 ± 0.002.", "Table 1",
             "Figure 1", "115 duplicate rows", "SHA-256"]  # fmt: skip
    places = [text.index(piece) for piece in order]
    assert places == sorted(places)


def test_figures_and_tables_are_counted(reader):
    found = re.findall(r"(Figure|Table) (\d+) ?\.", reader.text)
    for what in ("Figure", "Table"):
        counted = [int(n) for w, n in found if w == what]
        assert counted == list(range(1, len(counted) + 1))


def test_the_best_value_of_each_metric_is_marked(contents, page):
    rows = contents["evaluation"]["table"]
    for row in (r for r in rows if r["metric"] == "auc"):
        show = rounded(row["value"], row["low"], row["high"])
        best = max(r["value"] for r in rows if r["metric"] == "auc") == row["value"]
        assert (f"<b>{show(row['value'])}</b>" in page) == best
        assert f"{show(row['low'])} … {show(row['high'])}" in page
    assert page.count("(best)") >= 13
    assert "AUC ↑" in page and "log loss ↓" in page and "larger is better" in page


def test_metrics_are_explained_in_the_words_of_the_evaluation(contents, reader):
    for described in contents["evaluation"]["metrics"].values():
        assert described["explanation"] in reader.text


def test_a_missing_value_has_its_reason(reader):
    assert "– cuts: the model gives no probabilities." in reader.text


def test_differences_are_those_from_the_best_model(contents, reader):
    rows = contents["evaluation"]["table"]
    best = max((r for r in rows if r["metric"] == "auc"), key=lambda r: r["value"])["model"]
    assert f"Differences from {best}, the best by AUC" in reader.text
    pair = next(r for r in contents["evaluation"]["differences"]
                if r["metric"] == "auc" and {r["a"], r["b"]} == {best, "cuts"})  # fmt: skip
    value = abs(pair["value"])
    found = re.search(r"cuts −(0\.\d+) −0\.\d+ … −0\.\d+", reader.text)[1]
    assert float(found) == pytest.approx(value, abs=0.6 * 10 ** -len(found[2:]))


def test_names_are_escaped_everywhere(contents):
    evil = "<script>alert(1)</script>"
    bad = copy.deepcopy({k: v for k, v in contents.items() if k not in ("steps", "histories")})
    bad["title"] = bad["summary"] = evil
    bad["class_names"] = ["hadron", evil]
    bad["data"]["features"][0]["name"] = evil
    bad["data"]["left_out"] = [evil]
    bad["inputs"]["features"][0] = evil
    bad["methods"][0]["message"] = evil
    bad["importance"]["linear"]["rows"][0]["feature"] = evil
    bad["provenance"][evil] = evil
    text = render(bad)
    assert "<script" not in text and "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert Reader(text).open == []


def test_only_title_and_summary_are_needed():
    reader = Reader(render({"title": "T", "summary": "S."}))
    assert reader.text.count("S.") == 1 and not reader.all("section", "nav", "svg")
    with pytest.raises(KeyError, match="a report needs 'summary'; the contents hold title"):
        render({"title": "T"})


KEYS = ["data", "methods", "evaluation", "histories", "optimum", "steps", "scores", "importance",
        "weights", "inputs", "provenance", "class_names"]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_each_part_can_stand_alone(contents, key):
    alone = {"title": "T", "summary": "S", key: contents[key]}
    if key in ("scores", "inputs"):
        alone["class_names"] = contents["class_names"]
    reader = Reader(render(alone))
    sections = {a["id"] for _, a in reader.all("h2")} - {"contents"}
    expected = {
        "data": {"data", "left-out"}, "evaluation": {"models", "differences", "roc", "calibration",
        "confusion"}, "histories": {"loss"}, "optimum": set(), "class_names": set(),
    }  # fmt: skip
    assert sections == expected.get(key, {key})


EMPTY = {"data": {}, "methods": [], "evaluation": {}, "histories": {"gd": {}},
         "steps": {"runs": []}, "scores": {}, "importance": {"a": {"rows": []}},
         "weights": {"a": []}, "inputs": {},
         "residuals": {}, "provenance": {}, "optimum": None}  # fmt: skip


def test_empty_parts_are_left_out():
    for nothing in (EMPTY, dict.fromkeys(EMPTY)):
        assert not Reader(render({"title": "T", "summary": "S", **nothing})).all("section")


def test_one_model_only_has_no_best_and_no_differences():
    found = classification(n=300, methods={"linear": 1.5}, replicas=5)["evaluation"]
    reader = Reader(render({"title": "T", "summary": "S", "evaluation": found}))
    assert "(best)" not in reader.text and "Paired differences" not in reader.text
    assert "linear" in reader.text


def test_metrics_without_title_and_explanation_keep_their_names(contents):
    bare = copy.deepcopy(contents["evaluation"])
    del bare["metrics"]
    reader = Reader(render({"title": "T", "summary": "S", "evaluation": bare}))
    assert "background_at_0.5 ↓" in reader.text and "What the figures mean" not in reader.text


def test_regression_has_residuals_and_figures_in_bins():
    reader = Reader(render(regression(n=400, replicas=10)))
    assert "How far the predictions lie from the answers" in reader.text
    assert "resolution [log10(eV)]" in reader.text and "→0" in reader.text
    ids = {a["id"] for _, a in reader.all("h2")}
    assert {"residuals", "bins"} <= ids and not {"roc", "confusion", "scores"} & ids


def test_many_classes_and_many_features_are_limited_and_it_is_said():
    features = [(f"feature {j}", "", "") for j in range(60)]
    many = classification(
        n=600, features=features, class_names=[f"digit {k}" for k in range(6)], replicas=4,
        methods={"linear": 1.0, "trees": 2.0, "forest": 2.2},
    )  # fmt: skip
    blocks = [block for section in sections({**many, "histories": {}}) for block in section.blocks]
    said = " ".join(" ".join([getattr(b, "caption", ""), *getattr(b, "notes", ())]) for b in blocks)
    assert "Shown: the best 2 of 3 models." in said and "Shown: the best of 3 models." in said
    assert "The 40 largest of 60 weights." in said
    over = [t.get_text() for b in blocks if b.kind == "picture"
            for t in b.figure.findobj(lambda a: hasattr(a, "get_text"))]  # fmt: skip
    assert "the first 24 of 60 features" in over
    assert "the 20 most important of 60 features" in over


def test_values_are_printed_to_two_digits_of_their_error():
    assert rounded(0.93712, 0.9352, 0.9391)(0.93712) == "0.9371"
    assert rounded(-1.0e-9, -0.02, 0.02)(-1e-9) == "0.000"
    assert rounded(1234.5, 1100, 1300)(1234.5) == "1,230"
    assert rounded(0.99996598, 0.9999636, 0.9999681)(0.99996598) == "0.9999660"
    assert rounded(0.5, None, None)(0.5) == "0.5"
    assert number(float("nan")) == "–" and number(float("-inf")) == "−∞"


def test_weights_of_several_classes_are_told_apart():
    rows = [{"feature": "x", "class": c, "unit": "mm", "weight": 0.1 * k, "error": 0.01,
             "standardised": float(k)} for k, c in enumerate(("p", "He", "Fe"))]  # fmt: skip
    text = Reader(render({"title": "T", "summary": "S", "weights": {"linear": rows}})).text
    assert "x for p" in text and "x for Fe" in text and "per mm" not in text


CLOSE = [(0.93701, 0.93512, 0.93913), (12346.0, 12246.0, 12446.0), (2.5e-7, 2.4e-7, 2.6e-7),
         (0.9999659821, 0.9999636046, 0.9999680906), (-1.53e-5, -2.74e-4, 2.92e-4),
         (0.0, -0.03, 0.02), (1e-3, 9.5e-4, 1.0996e-3), (3.2e7, 3.1e7, 3.5e7), (5.0, 4.004, 5.5),
         (-2.5, -2.6, -2.3)]  # fmt: skip


def digits(text):
    """A printed number as the terminal writes it: no thousands commas, e for the power of ten."""
    plain = text.replace(",", "").translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    return plain.replace("×10", "e").replace("−", "-")


@pytest.mark.parametrize("case", CLOSE)
def test_a_value_has_the_same_digits_here_and_in_the_terminal(case):
    said = plus_minus(*case).replace("−", "-")
    power = re.search(r"\)(e-?\d+)", said)
    first = re.match(r"\(?(-?[\d.]+)", said)[1] + (power[1] if power else "")
    assert digits(rounded(*case)(case[0])) == first


@pytest.mark.parametrize("value", [0.5, 0.00123456, 12.3456, 2057.02, -3.0, 123.456, 0.99987])
def test_a_number_without_error_has_the_same_digits_here_and_in_the_terminal(value):
    assert digits(number(value)) == plus_minus(value, None, None).replace("−", "-")


def evaluated(*rows, metric="r2"):
    """An evaluation of models (name, value, low, high) and a difference (value, low, high)."""
    *models, (value, low, high) = rows
    return {
        "task": "regression",
        "metrics": {metric: {"title": "R²", "better": "higher"}},
        "table": [{"model": m, "metric": metric, "value": v, "low": lo, "high": hi}
                  for m, v, lo, hi in models],
        "differences": [{"metric": metric, "a": models[1][0], "b": models[0][0], "value": value,
                         "low": low, "high": high}],
    }  # fmt: skip


FIGURE = (0.9, 0.89, 0.91)


@pytest.mark.parametrize(("difference", "text", "below"), [
    ((2.168e-19, -2.168e-19, 4e-19), "≈ 0", ""),
    ((-9e-5, -9.5e-5, -5e-5), "≈ 0", ""),
    ((-9e-5, -2e-4, -5e-5), "≈ −0.0001", "−0.0002 … −0.0001"),
    ((-0.00112345, -0.0012, -0.0010), "−0.0011", "−0.0012 … −0.0010"),
    ((-0.00112345, -0.0032, 0.0008), "≈ −0.0011", "−0.0032 … +0.0008"),
    ((-0.3, -0.42, -0.21), "−0.30", "−0.42 … −0.21"),
])  # fmt: skip
def test_differences_have_one_digit_more_than_their_figures_and_dust_is_nothing(
    difference, text, below
):
    table = differences_table(evaluated(("best", *FIGURE), ("other", *FIGURE), difference))
    assert (table.rows[0][1].text, table.rows[0][1].below) == (text, below)


def test_a_figure_close_to_one_is_told_from_its_error():
    model = ("a", 0.9999659821, 0.9999636046, 0.9999680906)
    evaluation = evaluated(model, model, (0, 0, 0))
    evaluation["table"][-1]["fold_spread"] = 4.518236e-6
    cell = models_tables(evaluation)[0].rows[0][1]
    assert cell.text == "0.9999660"
    assert cell.below == "0.9999636 … 0.9999681\nfolds ± 0.0000045"


def test_the_moment_and_the_settings_are_short_and_the_data_say_what_is_known(reader):
    assert "22 November 2026, 14:12 UTC" in reader.text
    assert "gradient_tolerance=7.77e-07" in reader.text
    text = Reader(render({
        "title": "T", "summary": "S", "created": "last week",
        "data": {"rows": 4738, "effective_events": 2057.02, "id": "event",
                 "answer": {"name": "energy", "unit": "EeV"}, "weight_name": "w",
                 "weight_mean": 1.25, "group_name": "shower", "group_count": 1000,
                 "features": [{"name": "size", "low": 1.0, "high": 2.0}]},
    })).text  # fmt: skip
    for piece in ("last week", "Answer energy [EeV]", "Weights w, mean 1.25", "events event",
                  "Groups 1,000 by shower", "Effective events 2,057"):  # fmt: skip
        assert piece in text
    assert "missing" not in text and "2057" not in text


def test_groups_of_the_tested_events_are_not_those_of_all():
    text = Reader(render({
        "title": "T", "summary": "S", "data": {"rows": 4738, "id": "event"},
        "evaluation": {"task": "binary", "events": 1421, "groups": 1421, "models": {}},
    })).text  # fmt: skip
    assert "Events 4,738" in text and "Groups" not in text


def full_batch(n, loss):
    step = list(range(len(loss)))
    seen = [n * s for s in step]
    before = [None, *loss[:-1]]
    return {"step": step, "epoch": step, "seen": seen, "loss": [loss[0], *loss[:-1]],
            "loss_progressive": before, "validation": [v + 0.1 for v in loss]}  # fmt: skip


def test_full_batches_only_have_one_picture_that_names_no_line_that_is_not_there():
    gd = full_batch(500, [3.0, 2.0, 1.5, 1.2])
    found = pictures.descent({"histories": {"gd": gd}}, plots.series(["gd"])).blocks
    assert len(found) == 1
    assert "Each step sees 500 events." in found[0].caption
    assert "faint" not in found[0].caption and "one step back" in found[0].caption
    sgd = {**gd, "seen": gd["step"], "epoch": [0] * 4}
    both = pictures.descent({"histories": {"gd": gd, "sgd": sgd}}, plots.series(["gd", "sgd"]))
    assert len(both.blocks) == 2 and "faint" in both.blocks[0].caption


def test_triangles_are_spoken_of_only_where_there_are_some():
    calm = {"rate": 0.1, "step": [0, 1, 2], "loss": [3.0, 2.0, 1.0]}
    wild = {"rate": 9.0, "step": [0, 1, 2], "loss": [3.0, 90.0, 2e3]}
    for runs, there in (([calm], False), ([calm, wild], True)):
        (picture,) = pictures.step_sizes({"steps": {"runs": runs}}).blocks
        assert ("triangles" in picture.caption) == there


def test_residuals_say_what_the_table_says_and_how_many_events_are_drawn():
    contents = regression(n=400, replicas=10)
    drawn = {m: {**r, "value": r["value"][:100], "answer": r["answer"][:100]}
             for m, r in contents["residuals"].items()}  # fmt: skip
    contents["residuals"] = drawn
    (gallery,) = pictures.residuals(contents, plots.series(drawn)).blocks
    assert "Drawn: 100 of 400 events." in gallery.caption
    rows = {(r["model"], r["metric"]): r for r in contents["evaluation"]["table"]}
    for picture, model in zip(gallery.pictures, drawn, strict=True):
        said = [t.get_text() for t in picture.figure.axes[0].get_legend().get_texts()]
        for text, metric in zip(said, ("bias", "resolution"), strict=True):
            row = rows[model, metric]
            assert rounded(row["value"], row["low"], row["high"])(abs(row["value"])) in text


def test_sums_of_weights_are_not_called_events():
    contents = classification(n=200, methods={"linear": 1.5}, replicas=4)
    styles = plots.series(["linear"])
    for weight_name in (None, "w"):
        contents["data"]["weight_name"] = weight_name
        (picture,) = pictures.calibration(contents, styles).blocks
        label = picture.figure.axes[1].get_ylabel()
        (gallery,) = pictures.confusion(contents).blocks
        assert label == ("Σw" if weight_name else "events")
        assert ("sum of weights Σw" in gallery.caption) == bool(weight_name)


def test_methods_that_coincide_are_named_and_importance_rises_where_less_is_better():
    contents = classification(n=200, methods={"gd": 1.5, "trees": 2.5}, replicas=4)
    curves = contents["evaluation"]["curves"]
    curves["sgd"] = curves["gd"]
    (gallery,) = pictures.roc(contents, plots.series(curves)).blocks
    assert "gd and sgd coincide nearly everywhere: their dashes take turns." in gallery.caption
    rows = [{"feature": "size", "mean": 1.0, "error": 0.1}]
    evaluation = {"metrics": {"rmse": {"title": "RMSE", "unit": "EeV", "better": "lower"}}}
    (picture,) = pictures.importance(
        {"importance": {"gd": {"metric": "RMSE", "rows": rows}}, "evaluation": evaluation},
        plots.series(["gd"]),
    ).blocks
    assert picture.figure.axes[0].get_xlabel() == "rise of RMSE [EeV] when shuffled"
    assert "over the folds" in picture.caption

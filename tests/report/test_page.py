"""The page: valid, offline, accessible, complete, and quiet about what is not there."""

import copy
import html.parser
import itertools
import os
import re
import shutil
import subprocess

import pytest
from tests.report.report_contents import METHODS, classification, regression

from baksan.report.blocks import number, rounded
from baksan.report.page import render, write

VOID = {"meta", "link", "br", "img", "path", "use", "rect", "image", "hr", "circle", "line"}


class Reader(html.parser.HTMLParser):
    """Tags, attributes and text of a page; notes what is not closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.words = [], [], []
        self.feed(text)
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
    assert len(targets) == 16 and set(targets) <= ids


def test_every_picture_says_what_it_shows_and_every_figure_has_a_caption(reader):
    pictures = reader.all("svg", "img")
    assert len(pictures) == 18
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
    assert f"−{rounded(value, pair['low'], pair['high'])(value)}" in reader.text


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
    for curves in many["evaluation"]["curves"].values():
        del curves["roc"]
    page = render({k: v for k, v in many.items() if k not in ("histories", "steps")})
    assert "the first 24 of 60 features" in page
    assert "the 20 most important of 60 features" in page
    assert "Shown: the best 2 of 3 models." in page and "Shown: the best of 3 models." in page
    assert "The 40 largest of 60 weights." in page
    assert len(page) < 4e6
    assert Reader(page).open == []


def test_writing_is_whole_or_not_at_all(contents, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    assert write({"title": "T", "summary": "S"}, path) == path
    before = path.read_text()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write({"title": "New", "summary": "S"}, path)
    assert path.read_text() == before
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_values_are_printed_to_two_digits_of_their_error():
    assert rounded(0.93712, 0.9352, 0.9391)(0.93712) == "0.9371"
    assert rounded(-1.0e-9, -0.02, 0.02)(-1e-9) == "0.000"
    assert rounded(1234.5, 1100, 1300)(1234.5) == "1,234"
    assert rounded(0.5, None, None)(0.5) == "0.5"
    assert number(float("nan")) == "–" and number(float("-inf")) == "−∞"


def test_weights_of_several_classes_are_told_apart():
    rows = [{"feature": "x", "class": c, "unit": "mm", "weight": 0.1 * k, "error": 0.01,
             "standardised": float(k)} for k, c in enumerate(("p", "He", "Fe"))]  # fmt: skip
    text = Reader(render({"title": "T", "summary": "S", "weights": {"linear": rows}})).text
    assert "x for p" in text and "x for Fe" in text and "per mm" in text


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_it_without_a_word_of_complaint(contents, tmp_path, width):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("needs headless Chromium, which is not installed")
    path = write(contents, tmp_path / "report.html")
    # The page's own policy forbids scripts, so a copy without it is measured.
    policy = re.search(r'<meta http-equiv="Content-Security-Policy"[^>]*>', path.read_text())[0]
    probe = (
        "<script>const page = document.documentElement;"
        "document.title = 'over ' + (page.scrollWidth - page.clientWidth)</script></body>"
    )
    measured = tmp_path / "measured.html"
    measured.write_text(path.read_text().replace(policy, "").replace("</body>", probe))
    ask = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
           "--no-first-run", "--disable-background-networking", "--disable-component-update",
           "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr",
           f"--window-size={width},2000", "--dump-dom"]  # fmt: skip
    for file in (path, measured):
        run = subprocess.run([*ask, file.as_uri()], capture_output=True, text=True, timeout=120)
        assert run.returncode == 0 and "CONSOLE" not in run.stderr
    assert "<title>over 0</title>" in run.stdout

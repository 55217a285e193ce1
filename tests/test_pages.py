"""The pages in docs/ agree with the code: every schema column by column, every option and name."""

import json
import re
import tomllib
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from baksan import Samples, losses, train
from baksan.apply import apply
from baksan.data import entry, names
from baksan.metrics import METRICS
from baksan.simulate import telescope
from baksan.store import load_model
from baksan.train.lineup import METHODS, line_up
from baksan.train.source import from_table

DOCS = Path(__file__).resolve().parents[1] / "docs"


def section(page, title):
    """The text below a heading, up to the next one of any level."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"{page} has no section {title!r}"
    return found[1]


def first_cells(page, title):
    """The names in `…` in the first cell of each row of a section's tables, in order."""
    cells = [
        re.split(r"(?<!\\)\|", line)[1]
        for line in section(page, title).splitlines()
        if line.startswith("| `")
    ]
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("pages") / "run"
    opened = from_table(
        telescope.events(400, seed=1), name="toy", answer="class", signal="gamma", id="event"
    )
    methods = ["linear-gd", "cuts", "trees"]
    train(opened.samples, methods, folds=2, threads=1, replicas=20, out=path, source=opened.source)
    model = load_model(path / "models/linear-gd.baksan")
    apply(model, [telescope.events(50, seed=2)], path / "applied.parquet")
    return path


def content(folder, name):
    return json.loads((folder / name).read_text(encoding="utf-8"))


def card(folder, name="linear-gd.baksan"):
    with zipfile.ZipFile(folder / "models" / name) as archive:
        return json.loads(archive.read("model.json"))


# Files --------------------------------------------------------------------------------------------


def test_the_run_folder_is_described(folder):
    told = {name.rstrip("/") for name in first_cells("files.md", "The run folder")}
    assert told == {path.name for path in folder.iterdir()} - {"applied.parquet"}


def test_config_is_described(folder):
    config = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))
    told = {name.strip("[]") for name in first_cells("files.md", "config.toml")}
    assert set(config) <= told
    left_out = {"test", "bin_by", "compared", "ignore_negative_weights"}  # where there is none
    assert told - set(config) == left_out


def test_the_card_is_described(folder):
    told = card(folder)
    assert first_cells("files.md", "The card") == list(told)
    assert first_cells("files.md", "A feature of the card") == list(told["features"][0])
    assert set(card(folder, "trees.skops")) == set(told)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("history/METHOD.parquet", "history/linear-gd.parquet"),
        ("predictions.parquet", "predictions.parquet"),
        ("Predictions of apply", "applied.parquet"),
    ],
)
def test_columns_of_tables_are_described(folder, title, name):
    assert first_cells("files.md", title) == pq.read_schema(folder / name).names


def test_evaluation_is_described(folder):
    told = content(folder, "evaluation.json")
    assert first_cells("files.md", "evaluation.json") == list(told)
    assert first_cells("files.md", "A row of the table") == list(told["table"][0])
    assert first_cells("files.md", "A difference") == list(told["differences"][0])
    assert first_cells("files.md", "Curves of a model") == list(told["curves"]["trees"])


@pytest.mark.parametrize("name", ["report.json", "provenance.json"])
def test_json_is_described(folder, name):
    assert first_cells("files.md", name) == list(content(folder, name))


# Methods ------------------------------------------------------------------------------------------


def test_losses_are_described():
    told = first_cells("methods.md", "Losses of numbers")
    assert told == [n for n, loss in losses.LOSSES.items() if loss.task == "regression"]
    told = first_cells("methods.md", "Losses of classes")
    assert told == [n for n, loss in losses.LOSSES.items() if loss.task == "classification"]


def test_metrics_are_described():
    told = first_cells("methods.md", "Figures of classes")
    assert told == [n for n, m in METRICS.items() if m.task == "classification"]
    told = first_cells("methods.md", "Figures of numbers")
    assert told == [n for n, m in METRICS.items() if m.task == "regression"]


def test_the_line_up_is_described():
    X = Samples([[0.0], [1.0], [2.0]], [0, 1, 1], class_names=("a", "b"))
    told = first_cells("methods.md", "The line-up")
    assert set(told) == {*METHODS, *(method.name for method in line_up(["linear"], X))}


# Data ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", names())
def test_the_catalogue_is_described(name):
    known, text = entry(name), " ".join(section("catalogue.md", name).split())
    assert known.task in text and known.licence in text and known.answer in text
    assert known.citation in text and known.publisher in text
    for part in [*known.features, *known.class_names, *known.forbidden]:
        assert f"`{part}`" in text, part
    for part in known.parts if len(known.parts) > 1 else ():
        assert f"`{name}:{part}`" in text
    for item in {item for listed in known.features.values() for item in listed}:
        assert f"`{item}`" in text or re.fullmatch(r"pixel_\d_\d", item), item


def test_functions_of_formulas_are_described():
    from baksan.data.expressions import _FUNCTIONS

    text = section("data.md", "Formulas")
    assert [name for name in _FUNCTIONS if f"`{name}`" not in text] == []


# Commands -----------------------------------------------------------------------------------------


def commands(group, name="baksan"):
    for word, command in group.commands.items():
        inner = f"{name} {word}"
        yield from commands(command, inner) if hasattr(command, "commands") else [(inner, command)]


def test_every_option_is_described():
    import typer

    from baksan.cli import app

    for name, command in commands(typer.main.get_command(app)):
        cells = [cell.split()[0] for cell in first_cells("commands.md", name)]
        options = {o for p in command.params for o in p.opts if o.startswith("-")} - {"--help"}
        assert set(cells) == options, name

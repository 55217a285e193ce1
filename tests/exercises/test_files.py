"""A student's file is run in a process of its own: whatever it does, it ends in one sentence."""

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from baksan import cli
from baksan.exercises import exercise, exercises, outside
from baksan.exercises.base import Outcome
from baksan.exercises.child import BEGIN
from baksan.exercises.files import template, untouched
from baksan.exercises.outside import check_file

DEF = "def share_right(label, answer):\n"
RIGHT = f"import numpy as np\n\n\n{DEF}    return np.mean(label == answer)\n"


@pytest.fixture
def handed_in(tmp_path, monkeypatch):
    """Writes a student's file into a folder, and goes there."""
    monkeypatch.chdir(tmp_path)

    def write(text, number="01.1"):
        file = tmp_path / exercise(number).file_name
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return file

    return write


def outcome(file, limit=20.0, show=lambda text: None):
    """The last outcome of a file that does not solve exercise 01.1."""
    found = check_file(exercise("01.1"), file, limit=limit, show=show)
    assert not found.passed
    hint = found.outcomes[-1].hint
    assert hint.endswith((".", "?")), hint
    return hint


def command(*arguments):
    with pytest.raises(SystemExit) as end:
        cli.main(["check", *arguments])
    return end.value.code


def test_every_template_is_a_program(tmp_path):
    for one in exercises().values():
        file = tmp_path / one.file_name
        file.write_text(template(one), encoding="utf-8")
        assert untouched(one, file)
        compile(file.read_text(encoding="utf-8"), str(file), "exec")
        assert f"def {one.signature}:" in template(one)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("def share_right(a)\n    return 1\n", "cannot read .* in line 1: expected ':'"),
        ("def share_right(label, answer):\nreturn 1\n", "in line 2: expected an indented block"),
        ("x = (\n", "in line 1: '\\(' was never closed"),
        ("def right_share(a):\n    return 1\n", "a function share_right.*it has right_share"),
        ("", "it has no function of its own"),
        ("share_right = 3\n", "there it is int"),
        ("import numpyy\n", "raised ModuleNotFoundError in line 1 .* No module named 'numpyy'"),
        ("a = 1\nb = a / 0\n", "raised ZeroDivisionError in line 2 while it was read"),
        ("import sys\nsys.exit('done')\n", "raised SystemExit in line 2 while it was read: done"),
        ("def share_right(label):\n    return 1\n", r"is needed; yours is share_right\(label\)"),
        ("name = input()\n", "raised EOFError in line 1"),
        ("import os\nos._exit(0)\n", "ended with the status 0 before the check was done"),
        ("import os\nos.kill(os.getpid(), 9)\n", "ended by signal SIGKILL"),
        (f"import numpy as np\n{DEF}    return np.ones(10**12)\n", "raised MemoryError in line 3"),
        (f"{DEF}    return bytearray(8 << 30)\n", "raised MemoryError in line 2"),
    ],
)  # fmt: skip
def test_what_a_file_does_is_one_sentence(handed_in, text, sentence):
    said = outcome(handed_in(text))
    assert re.search(sentence, said), said


def test_a_file_that_is_no_text(handed_in):
    file = handed_in("")
    file.write_bytes(b"x = '\xff\xfe\x00'\n")
    assert "exercise_01_1.py" in outcome(file)


def test_a_loop_that_never_ends_is_ended_and_its_line_told(handed_in):
    loop = f"{DEF}    k = 0\n    while True:\n        k += 1\n"
    file = handed_in(loop)
    odd = file.parent / "Моя папка, it's mine"
    odd.mkdir()
    assert outcome(file.rename(odd / file.name), limit=2.0) in (
        f"it was stopped after 2 seconds, in line {line}: is there a loop that never ends?"
        for line in (3, 4)
    )


FIFTH = f"""import os
k = []
{DEF}    k.append(1)
    if len(k) > 4:
        os._exit(0)
    return (label == answer).mean()
"""


@pytest.mark.parametrize(
    ("text", "tried"),
    [("import os\nos._exit(0)\n", 0), (f"import os\n{DEF}    os._exit(0)\n", 1), (FIFTH, 2)],
)
def test_the_law_at_which_it_ended_is_named(handed_in, text, tried):
    found = check_file(exercise("01.1"), handed_in(text), show=lambda text: None)
    laws = [law for law, _ in exercise("01.1").laws]
    assert [outcome.law for outcome in found.outcomes] == (laws[:tried] or [BEGIN])
    assert [outcome.passed for outcome in found.outcomes] == [True] * (tried - 1) + [False]


SAID = f'{{"law": {json.dumps(BEGIN)}, "passed": true, "hint": ""}}\n'


@pytest.mark.parametrize("more", ["", '{"law": "ha', "{"])
def test_a_line_half_written_is_left_out(handed_in, monkeypatch, more):
    """The disk is full, or the child is ended while it writes."""

    def child(arguments, limit, show):
        Path(arguments[2]).write_text(SAID + more, encoding="utf-8")
        return -9

    monkeypatch.setattr(outside, "_run", child)
    found = check_file(exercise("01.1"), handed_in(RIGHT))
    assert [o.law for o in found.outcomes] == [exercise("01.1").laws[0][0]]
    assert "ended by signal SIGKILL" in found.outcomes[0].hint


def test_a_program_that_ends_after_the_last_law(handed_in, monkeypatch):
    laws = [law for law, _ in exercise("01.1").laws]

    def child(arguments, limit, show):
        said = [json.dumps(vars(Outcome(law, True))) + "\n" for law in (BEGIN, *laws)]
        Path(arguments[2]).write_text("".join(said), encoding="utf-8")
        return 0

    monkeypatch.setattr(outside, "_run", child)
    found = check_file(exercise("01.1"), handed_in(RIGHT))
    assert [o.law for o in found.outcomes] == [*laws, outside.END] and not found.passed
    assert "ended with the status 0" in found.outcomes[-1].hint
    assert "is not solved yet" in found.verdict and "could not be tried" not in found.verdict


def test_it_sees_the_arguments_of_a_program(handed_in):
    said = []
    file = handed_in(f"import sys\nprint(sys.argv, __name__)\n{RIGHT}")
    assert check_file(exercise("01.1"), file, show=said.append).passed
    assert "".join(said) == f"{[str(file)]} exercise_01_1\n"


def test_what_it_started_is_ended_with_it(handed_in, tmp_path):
    starts = """
        import subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        open("pid", "w").write(str(child.pid))
        def share_right(label, answer):
            return None
    """
    outcome(handed_in(starts))
    pid = int((tmp_path / "pid").read_text())
    status = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    assert status.stdout.strip()[:1] in ("", "Z")


def test_what_it_prints_is_shown(handed_in):
    said = []
    file = handed_in(f"print('hello π')\n{RIGHT}")
    assert check_file(exercise("01.1"), file, show=said.append).passed
    assert "hello π" in "".join(said)


def test_endless_printing_is_cut(handed_in):
    said = []
    endless = "while True:\n    print('again')\n"
    assert "it was stopped after 1 seconds" in outcome(handed_in(endless), 1.0, said.append)
    shown = "".join(said)
    assert len(shown) < 21_000 and shown.endswith("… (it prints more)\n")


def test_the_command_begins_checks_and_lists(handed_in, tmp_path, capfd):
    handed_in("def equal_weights(answers):\n    return answers\n", "04.3")
    assert command("1.1") == 1
    assert "exercise_01_1.py is new" in capfd.readouterr().out
    assert command("01.1") == 1
    assert "share_right(label, answer) is still to be written" in capfd.readouterr().out
    handed_in(RIGHT)
    assert command("01.1") == 0
    said = capfd.readouterr().out
    assert said.count("✓") == 3 and said.endswith("01.1 is solved: it keeps all 3 laws.\n")
    assert command("04.3") == 1
    assert "✗" in capfd.readouterr().out
    assert command("02.1") == 1
    capfd.readouterr()
    assert command() == 0
    listed = capfd.readouterr().out.splitlines()
    assert len(listed) == len(exercises()) + 2
    marks = {line[2:8].strip(): line[0] for line in listed if line[2:4].isdigit()}
    assert {number for number, mark in marks.items() if mark == "✓"} == {"01.1"}
    assert {number for number, mark in marks.items() if mark == "✗"} == {"04.3"}
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "exercise_01_1.py", "exercise_02_1.py", "exercise_04_3.py",
    ]  # fmt: skip


def test_wrong_use_of_the_command(handed_in, capsys, tmp_path):
    assert command("77.1") == 2
    assert capsys.readouterr().err.startswith("baksan: the number of an exercise is needed")
    assert command("01.1", "01.2") == 2
    (tmp_path / "exercise_01_2.py").mkdir()
    assert command("01.2") == 1
    assert "Is a directory" in capsys.readouterr().out


def test_no_file_of_the_folder_stands_in_for_a_library(handed_in, tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit('not me')\n")
    assert check_file(exercise("01.1"), handed_in(RIGHT)).passed


def test_no_solution_is_in_the_package():
    """A wheel without tests/ has no right answer: no function of a checker solves its exercise."""
    done = subprocess.run(
        [sys.executable, "-c", "import baksan.exercises as e; print(sorted(e.exercises()))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "06b.2" in done.stdout
    for one in exercises().values():
        room = sys.modules[one.laws[0][1].__module__]
        assert not hasattr(room, one.name)

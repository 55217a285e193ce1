"""The run folder: everything needed to read, repeat, go on with and apply a training.

config.toml          what was asked for; enough to repeat it
models/              NAME.baksan and NAME.skops
history/             METHOD.parquet, a row at each log-spaced moment of a descent
predictions.parquet  out-of-fold predictions, a row for each event and method
evaluation.json      figures of merit with errors, curves, paired differences
report.json          what the report's pictures are drawn from
provenance.json      versions, seeds, hardware, SHA-256 of the data
report.html          the report
checkpoints/         only while unfinished: parts that are done, and states to go on from
"""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.files import partials, read_json, replacing, write_json
from baksan.metrics import Prediction
from baksan.metrics.prediction import PARTS

Array = NDArray[Any]

__all__ = ["RunFolder", "dump_toml"]

_NO_UTF8 = re.compile("[\ud800-\udfff]")  # bytes of a file's name, as Python shows them
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


class RunFolder:
    """One run's folder. Every file in it is whole or absent, whenever the run was killed."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    @classmethod
    def begin(cls, path: Path | str, config: Mapping[str, Any], *, resume: bool) -> RunFolder:
        """The folder of a new run, or with `resume` of the unfinished one with this config.

        Raises
        ------
        FileExistsError
            The folder has something in it and `resume` was not asked for.
        ValueError
            The run to be resumed is finished, or had another config: the difference is named.
        """
        run = cls(path)
        run.check(resume=resume)
        if resume and run.path.exists():
            for left in partials(run.path):
                left.unlink()
            if (run.path / "config.toml").exists():
                run._check_config(config)
                return run
        run.write_text("config.toml", dump_toml(config))
        return run

    @classmethod
    def open(cls, path: Path | str) -> RunFolder:
        """The folder of a finished run. Raises FileNotFoundError, ValueError if unfinished."""
        run = cls(path)
        _ = run.config
        if not run.finished:
            raise ValueError(
                f"the run {path} is not finished; go on with it by --resume (its config.toml has"
                " the settings)."
            )
        return run

    def check(self, *, resume: bool) -> None:
        """Whether a run can begin here or go on, as far as can be told before events are read.

        Raises FileExistsError and ValueError as `begin`.
        """
        if self.path.exists() and not self.path.is_dir():
            raise FileExistsError(
                f"a run needs a folder; {self.path} is a file. Choose another --out."
            )
        if resume and (self.path / "config.toml").exists():
            self._check_unfinished()
        elif self.path.exists() and not self._is_blank(partials(self.path) if resume else ()):
            raise FileExistsError(
                f"the folder {self.path} is not empty; a run needs its own. Choose another --out,"
                " or go on with an unfinished run by --resume."
            )

    @property
    def finished(self) -> bool:
        """Whether the last file of a run is there."""
        return (self.path / "report.json").exists()

    @property
    def config(self) -> dict[str, Any]:
        """config.toml. Raises FileNotFoundError where there is none."""
        if not (self.path / "config.toml").exists():
            raise FileNotFoundError(f"{self.path} is no run folder: it has no config.toml.")
        with open(self.path / "config.toml", "rb") as file:
            return tomllib.load(file)

    def _is_blank(self, swept: Collection[Path]) -> bool:
        """Whether there is nothing that stays but the config of a run that failed before a part."""
        held = {path.name for path in self.path.iterdir() if path not in swept}
        return not held or held == {"config.toml"}

    def _check_config(self, config: Mapping[str, Any]) -> None:
        before, now = self.config, tomllib.loads(dump_toml(config))
        for key in sorted(before.keys() | now.keys()):
            if before.get(key) != now.get(key):
                raise ValueError(
                    f"a run is resumed with the settings it began with; {key} was"
                    f" {before.get(key)!r} in {self.path / 'config.toml'} and is {now.get(key)!r}."
                    " Give the same, or another --out."
                )

    def _check_unfinished(self) -> None:
        if self.finished and not (self.path / "checkpoints").exists():
            raise ValueError(
                f"an unfinished run is needed to go on; {self.path} is finished. Look at its"
                " report, or choose another --out."
            )

    def write_text(self, name: str, text: str) -> Path:
        with replacing(self.path / name) as beside:
            beside.write_text(text, encoding="utf-8")
        return self.path / name

    def write_json(self, name: str, content: Any, *, indent: int | None = 1) -> None:
        write_json(self.path / name, content, indent=indent)

    def read_json(self, name: str) -> Any:
        return read_json(self.path / name)

    def write_arrays(
        self, name: str, arrays: Mapping[str, Array], notes: Mapping[str, Any]
    ) -> None:
        """Named arrays and JSON notes in one safetensors file."""
        from safetensors.numpy import save

        held = {k: np.asarray(v, order="C") for k, v in arrays.items()}
        with replacing(self.path / name) as beside:
            beside.write_bytes(save(held, metadata={"notes": json.dumps(notes)}))

    def read_arrays(self, name: str) -> tuple[dict[str, Array], dict[str, Any]] | None:
        """What `write_arrays` wrote, or None where it was not written."""
        from safetensors import safe_open

        if not (self.path / name).exists():
            return None
        with safe_open(self.path / name, framework="numpy") as file:
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            return arrays, json.loads(file.metadata()["notes"])

    def end(self) -> None:
        """Throw the checkpoints away: the run is finished."""
        shutil.rmtree(self.path / "checkpoints", ignore_errors=True)


def prediction_arrays(prediction: Prediction) -> dict[str, Array]:
    """A Prediction as named arrays."""
    parts = {k: getattr(prediction, k) for k in PARTS}
    return {f"prediction.{k}": v for k, v in parts.items() if v is not None}


def prediction_of(arrays: Mapping[str, Array], threshold: float) -> Prediction:
    """The Prediction that `prediction_arrays` took apart."""
    head = "prediction."
    parts = {k.removeprefix(head): v for k, v in arrays.items() if k.startswith(head)}
    return Prediction(**parts, threshold=threshold)


def checked_name(name: str) -> str:
    """A method's name that can be a file's. Raises ValueError."""
    if not _FILE_NAME.fullmatch(name):
        raise ValueError(
            f"a method's name becomes a file's: letters, digits and . _ + - ; {name!r} will not do."
        )
    return name


def dump_toml(config: Mapping[str, Any]) -> str:
    """TOML of a mapping of text, numbers, bools, lists of these, and one level of tables.

    None is left out: TOML has no null.
    """
    plain = {k: v for k, v in config.items() if v is not None and not isinstance(v, Mapping)}
    lines = [f"{_key(k)} = {_toml(v)}" for k, v in plain.items()]
    for name, table in config.items():
        if isinstance(table, Mapping):
            lines += ["", f"[{_key(name)}]"]
            lines += [f"{_key(k)} = {_toml(v)}" for k, v in table.items() if v is not None]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)


def _toml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    if isinstance(value, bool | int | float | str):
        # JSON's text, numbers and bools are TOML's too, but for \\u007f and infinities.
        text = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        if _NO_UTF8.search(text):
            raise ValueError(
                f"the settings of a run are kept in UTF-8; {value!r} is none. Rename the file."
            )
        return text
    raise TypeError(f"config.toml holds text, numbers, bools and lists; this is {value!r}.")

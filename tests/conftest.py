"""What all tests share: where the repository and the real data are, and repeatable hypothesis."""

import os
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parents[1]

hypothesis.settings.register_profile("baksan", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("baksan")


def pytest_configure():
    """BAKSAN_DATA as an absolute path, so that a test may work in a folder of its own."""
    folder = Path(os.environ.get("BAKSAN_DATA") or ROOT / "../shared/data").resolve()
    if folder.is_dir():
        os.environ["BAKSAN_DATA"] = str(folder)
    else:
        os.environ.pop("BAKSAN_DATA", None)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data that BAKSAN_DATA names; without one the test is skipped."""
    if "BAKSAN_DATA" not in os.environ:
        pytest.skip("needs real data: BAKSAN_DATA names no folder, and ../shared/data is absent")
    return Path(os.environ["BAKSAN_DATA"])

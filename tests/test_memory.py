"""available: what the machine, control groups and limits leave, told by files of the kernel."""

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from baksan import memory

LINUX = Path("/proc/meminfo").exists()


def test_it_is_less_than_the_machine_has():
    pages = Path("/proc/meminfo").read_text().split("MemTotal:")[1].split()[0] if LINUX else 10**12
    assert 0 < memory.available() <= 1024 * int(pages)


@pytest.mark.skipif(not LINUX, reason="needs limits that Linux has")
@pytest.mark.parametrize("which", ["v", "d"])
def test_a_limit_on_address_space_or_data_is_seen(which):
    limit = 1_500_000  # kB
    code = "import baksan.memory as m; print(m.available())"
    command = f"ulimit -{which} {limit} && exec {sys.executable} -c '{code}'"
    told = int(subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout)
    assert 0.2 * 1024 * limit < told < 1024 * limit
    assert told < memory.available() or memory.available() < 1024 * limit


def test_a_limit_that_is_reached_leaves_nothing(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1 << 20, 1 << 20))
    assert memory.available() == (0 if LINUX else 1 << 20)


def test_the_machine(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal:  9 kB\nMemAvailable:   7 kB\n")
    assert list(memory._machine(tmp_path)) == [7 * 1024]
    assert next(iter(memory._machine(tmp_path / "none"))) > 1 << 20


def test_control_groups_of_version_2(tmp_path):
    """Those above count too; their page cache is free."""
    group = tmp_path / "sys/fs/cgroup/a/b"
    group.mkdir(parents=True)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/a/b\n")
    (group / "memory.max").write_text("max\n")
    (group / "memory.current").write_text("100\n")
    (group.parent / "memory.max").write_text("1000\n")
    (group.parent / "memory.current").write_text("600\n")
    (group.parent / "memory.stat").write_text("anon 1\ninactive_file 50\nactive_file 7\n")
    assert list(memory._groups(tmp_path)) == [457]


def test_control_groups_of_version_1(tmp_path):
    """In a container the path of the group is one of the host's: only the top is there."""
    top = tmp_path / "sys/fs/cgroup/memory"
    top.mkdir(parents=True)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("5:cpu,cpuacct:/x\n4:memory:/docker/1f\n")
    (top / "memory.limit_in_bytes").write_text("5000\n")
    (top / "memory.usage_in_bytes").write_text("2000\n")
    (top / "memory.stat").write_text(
        "inactive_file 1\ntotal_inactive_file 300\ntotal_active_file 0\n"
    )
    assert list(memory._groups(tmp_path)) == [3300]
    assert list(memory._groups(tmp_path / "none")) == []


@pytest.mark.skipif(not LINUX, reason="needs what Linux tells of a process")
def test_the_peak_is_the_process_s_own_and_not_that_of_who_started_it():
    held = np.ones(40_000_000)
    script = "from baksan.memory import peak; print(peak())"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert 5_000_000 < int(done.stdout) < held.nbytes < memory.peak()

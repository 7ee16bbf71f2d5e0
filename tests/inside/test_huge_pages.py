"""Memory in huge pages: the same memory, in fewer pieces."""

from __future__ import annotations

import mmap
import re
from pathlib import Path

import pytest

from autograder.inside import huge_pages

MIB = 1024 * 1024
SETTING = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def in_huge_pages() -> int:
    """Return how many bytes of this process's own memory are in huge pages."""
    found = re.search(r"AnonHugePages:\s+(\d+) kB", Path("/proc/self/smaps_rollup").read_text())
    assert found is not None
    return int(found[1]) * 1024


def test_what_was_in_memory_is_still_there() -> None:
    data = bytes(range(256)) * 64 * 1024
    copy = bytearray(data)
    huge_pages.collapse()
    assert copy == data


def test_a_read_only_or_shared_mapping_is_left_alone() -> None:
    with mmap.mmap(-1, 4 * MIB, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS) as shared:
        shared.write(b"\1" * 4 * MIB)
        huge_pages.collapse()
        assert shared[:] == b"\1" * 4 * MIB


@pytest.mark.skipif(not SETTING.exists(), reason="this kernel has no transparent huge pages")
def test_it_arrives_in_huge_pages() -> None:
    with mmap.mmap(-1, 32 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        memory.write(b"\1" * 32 * MIB)
        before = in_huge_pages()
        assert huge_pages.collapse() >= 14
        assert in_huge_pages() - before >= 28 * MIB
        assert memory[:] == b"\1" * 32 * MIB

"""What there is in a zip or a folder, and the bytes of one file of it: bounded, and nothing is ever unpacked by path.

A source lists every file once, with the reason when it may not be read. Where a path could lead out of the source, or
what lies there is no ordinary file, it is refused; the list goes on.
"""

from __future__ import annotations

import io
import os
import re
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import msgspec

from autograder.errors import NotGradable, UsageError

MOST_ENTRIES = 200_000
"""Files that are looked at; a source with more is refused as a whole, before anything is written."""
DEEPEST = 32
"""Folders within each other."""
LONGEST_PATH = 1000
"""Characters of a path inside a zip; no file system has longer names in one step."""
_LARGEST_DIRECTORY = 64 * 2**20
"""Bytes of a zip's table of contents: more than 300 for each of the most entries."""
_LOCAL_HEADER = 30
"""Bytes that stand before the name of an entry in a zip, at least."""
_ONE_ENTRY = b"PK\x01\x02"
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""bzip2 and LZMA cannot be unpacked a piece at a time here, so that a small file could fill the memory."""
# What `zipfile` raises for what is no zip, or for an entry that is broken.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, RuntimeError, struct.error)

NOT_ORDINARY = "is not an ordinary file"


class Entry(msgspec.Struct, frozen=True):
    """One file of a source."""

    name: str
    """Its path as the source has it, for people."""
    parts: tuple[str, ...]
    """The steps of its path; none when the path is refused."""
    size: int
    """Bytes, as the source says: not to be trusted."""
    time: tuple[int, ...]
    """When it was last changed, as the source says; to be compared within one source alone."""
    refused: str = ""
    """Why it may not be read, or ""."""
    handle: Any = None
    """What the source needs to read it."""


class Source(Protocol):
    """A zip or a folder."""

    entries: list[Entry]

    def read(self, entry: Entry, limit: int) -> bytes:
        """Return the content of an entry.

        Raises:
            NotGradable: when it is larger than `limit` bytes, refused, or cannot be read; the text says why.
        """

    def __enter__(self) -> Self:
        """Begin to read."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Close what is open."""


def open_source(path: Path) -> Source:
    """Return the source at `path`.

    Raises:
        UsageError: when it is neither a folder nor a zip, or holds more than can be looked at.
    """
    if path.is_dir():
        return FolderSource(path)
    if not path.is_file():
        raise UsageError(f"{path} is neither a folder nor a zip file")
    return ZipSource(path)


class FolderSource:
    """The files of a folder, and of the folders in it; links are not followed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.entries = sorted(self._walk(), key=lambda entry: entry.parts)

    def _walk(self) -> Iterator[Entry]:
        seen, total = Counter[str](), 0
        todo: list[tuple[str, ...]] = [()]
        while todo:
            parts = todo.pop()
            try:
                with os.scandir(self._root.joinpath(*parts)) as found:
                    for item in found:
                        below = (*parts, item.name)
                        seen[below[0]] += 1
                        total += 1
                        if total > MOST_ENTRIES:
                            raise _too_many(self._root, f"; most of it in {seen.most_common(1)[0][0]!r}")
                        if not item.is_dir(follow_symlinks=False):
                            yield _entry_on_disk(below, item)
                        elif len(below) < DEEPEST:
                            todo.append(below)
                        else:
                            yield Entry("/".join(below), below, 0, (), "lies too deep, and what is in it too")
            except OSError as error:
                if not parts:
                    raise UsageError(f"{self._root} cannot be read: {error.strerror}") from None
                yield Entry("/".join(parts), parts, 0, (), f"cannot be read: {error.strerror}")

    def read(self, entry: Entry, limit: int) -> bytes:
        """Return the content of an entry; see `Source`."""
        _refuse(entry, limit)
        try:
            # Neither following a link nor waiting for a pipe, should it have become one of them since.
            opened = os.open(self._root.joinpath(*entry.parts), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with open(opened, "rb") as file:
                if not stat.S_ISREG(os.fstat(opened).st_mode):
                    raise NotGradable(NOT_ORDINARY)
                return _within(file.read(limit + 1), limit)
        except OSError as error:
            raise NotGradable(f"cannot be read: {error.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        pass


def _entry_on_disk(parts: tuple[str, ...], item: os.DirEntry[str]) -> Entry:
    name = "/".join(parts)
    try:
        found = item.stat(follow_symlinks=False)
    except OSError as error:
        return Entry(name, parts, 0, (), f"cannot be read: {error.strerror}")
    refused = _kind_refused(found.st_mode)
    if not refused and found.st_nlink > 1:
        refused = "is a hard link: the same file stands elsewhere too"
    return Entry(name, parts, found.st_size, (found.st_mtime_ns,), refused)


def _kind_refused(mode: int) -> str:
    """Say why a file of this mode is refused, or ""."""
    kind = stat.S_IFMT(mode)
    if kind in (0, stat.S_IFREG):
        return ""
    words = {stat.S_IFLNK: "is a symbolic link", stat.S_IFIFO: "is a pipe", stat.S_IFSOCK: "is a socket"}
    return words.get(kind, "is a device" if kind in (stat.S_IFCHR, stat.S_IFBLK) else NOT_ORDINARY)


class ZipSource:
    """The files of a zip; zips inside are files like any other, and not opened."""

    def __init__(self, path: Path) -> None:
        with ExitStack() as stack:
            try:
                file = stack.enter_context(_Bounded(path))
                self._zip = stack.enter_context(zipfile.ZipFile(file))
            except _UNREADABLE as error:
                raise UsageError(
                    f"{path} is not a zip that can be read, or it is cut off ({error}). Download it again, or unpack "
                    "it and name the folder"
                ) from None
            self._open = stack.pop_all()
        overlapping = _overlapping(self._zip.infolist())
        self.entries = [
            self._entry(info, id(info) in overlapping) for info in self._zip.infolist() if not info.is_dir()
        ]

    def _entry(self, info: zipfile.ZipInfo, overlapping: bool) -> Entry:
        parts, refused = _parts_in_zip(info.orig_filename)
        refused = refused or _kind_refused(info.external_attr >> 16)
        if info.flag_bits & 0x1:
            refused = refused or "is encrypted"
        if info.compress_type not in _METHODS:
            refused = refused or f"is packed by a method that is not read here (number {info.compress_type})"
        if overlapping:
            refused = refused or "shares its bytes with other files of the zip, as in a bomb"
        return Entry(info.orig_filename, parts, info.file_size, info.date_time, refused, info)

    def read(self, entry: Entry, limit: int) -> bytes:
        """Return the content of an entry; see `Source`."""
        _refuse(entry, limit)
        try:
            with self._zip.open(entry.handle) as file:
                return _within(file.read(limit + 1), limit)
        except _UNREADABLE as error:
            raise NotGradable(f"is damaged in the zip ({error})") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._open.close()


class _Bounded(io.BufferedReader):
    """A file of which no huge piece is read at once: `zipfile` takes in a zip's whole table of contents.

    Raises:
        UsageError: when the table is too large or has too many rows, before any of them is looked at.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._path = path

    def read(self, size: int | None = -1, /) -> bytes:
        """Read a piece."""
        if size is None or size < 0:
            size = os.fstat(self.fileno()).st_size - self.tell()
        if size > _LARGEST_DIRECTORY:
            raise _too_many(self._path)
        data = super().read(size)
        if data.count(_ONE_ENTRY) > MOST_ENTRIES:
            raise _too_many(self._path)
        return data


def _too_many(path: Path, more: str = "") -> UsageError:
    return UsageError(f"{path} holds more than {MOST_ENTRIES:,} files{more}. Collect the folders in it one by one")


def _parts_in_zip(name: str) -> tuple[tuple[str, ...], str]:
    """Return the steps of a path in a zip, or why it is refused."""
    if len(name) > LONGEST_PATH:
        return (), f"has a path of {len(name):,} characters"
    steps = name.split("/")
    reasons = {
        "has a path with a zero byte in it": "\0" in name,
        "has an absolute path": name.startswith("/") or re.match(r"[A-Za-z]:", name) is not None,
        "has a path with backslashes": "\\" in name,
        "has a path that leads out of the zip": ".." in steps,
        "lies too deep": len(steps) > DEEPEST,
    }
    for reason, holds in reasons.items():
        if holds:
            return (), reason
    return tuple(step for step in steps if step not in ("", ".")), ""


def _overlapping(infos: list[zipfile.ZipInfo]) -> set[int]:
    """Return the ids of the entries that reach into the next one.

    Of the rest each has bytes of its own. So what they all hold is no more than the zip can hold, whatever it claims.
    """
    ordered = sorted(infos, key=lambda info: info.header_offset)
    return {
        id(info)
        for info, following in pairwise(ordered)
        if info.header_offset + _LOCAL_HEADER + info.compress_size > following.header_offset
    }


def _refuse(entry: Entry, limit: int) -> None:
    if entry.refused:
        raise NotGradable(entry.refused)
    if entry.size > limit:
        raise NotGradable(f"has {entry.size / 2**20:,.1f} MiB, at most {limit / 2**20:g} MiB are taken")


def _within(data: bytes, limit: int) -> bytes:
    if len(data) > limit:
        raise NotGradable(f"has more than the {limit / 2**20:g} MiB that are taken")
    return data

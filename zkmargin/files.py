"""Durable writing: a reader sees the old state or the complete new one, whatever kills the process.

Everything is written under a temporary name in the same directory, flushed to the disk and renamed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from zkmargin.errors import UndecidedError, UsageError

PUBLIC_FILE, SECRET_FILE = 0o644, 0o600
PUBLIC_DIRECTORY, SECRET_DIRECTORY = 0o755, 0o700
_PARTIAL = ".partial"


def sync_directory(path: Path) -> None:
    """Flush a directory's entries, so that a rename in it survives a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_new(path: Path, data: bytes, mode: int = PUBLIC_FILE) -> None:
    """Write and flush a file that must not exist yet; its mode holds from the first byte on."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_atomic(path: Path, data: bytes, mode: int = PUBLIC_FILE) -> None:
    """Write a file so that `path` is either as before or complete."""
    temporary = _temporary_name(path)
    try:
        write_new(temporary, data, mode)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


@contextlib.contextmanager
def new_directory(target: Path, mode: int = PUBLIC_DIRECTORY) -> Iterator[Path]:
    """Yield a temporary directory that becomes `target` when the block ends well, and vanishes when it does not.

    Raise UsageError if `target` exists already or there is no directory to make it in.
    """
    check_new(target)
    temporary = _temporary_name(target)
    try:
        temporary.mkdir(mode=mode)
        yield temporary
        for path in temporary.rglob("*"):
            if path.is_dir():
                sync_directory(path)
        sync_directory(temporary)
        refuse_existing(target)
        os.rename(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_directory(target.parent)


def check_new(target: Path) -> None:
    """Raise UsageError unless `target` can be made: nothing is there yet, and the directory around it is."""
    refuse_existing(target)
    check_parent(target)


def refuse_existing(target: Path) -> None:
    """Raise UsageError if something is there already: published data is never overwritten."""
    if os.path.lexists(target):
        raise UsageError("exists", f"{target} exists already", hint="choose another name or remove it")


def check_parent(target: Path) -> None:
    """Raise UsageError unless the directory that `target` stands in is there."""
    if not os.path.isdir(target.parent):  # never raises, unlike Path.is_dir
        raise UsageError(
            "no-directory",
            f"{target} cannot be made: {target.parent} is no directory",
            hint=f"make it first: mkdir -p {target.parent}",
        )


def check_apart(public: Path, private: Path) -> None:
    """Raise UsageError if one is the other or lies inside it: what is published must not hold anything secret."""
    one, other = Path(os.path.realpath(public)), Path(os.path.realpath(private))
    if one.is_relative_to(other) or other.is_relative_to(one):
        raise UsageError(
            "nested",
            f"{public} and {private} are one directory, or one lies in the other",
            hint="publish one directory and guard another, side by side",
        )


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold a directory against a second run; raise UsageError if another process holds it."""
    handle = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, SECRET_FILE)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError("locked", f"{directory} is in use by another run") from None
        yield
    finally:
        os.close(handle)


def read_bounded(path: Path, most: int, what: str) -> bytes:
    """Read a regular file (no link) of at most `most` bytes; raise UndecidedError if that cannot be done."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            return _read_regular(handle, path, most, what)
        finally:
            os.close(handle)
    except OSError as error:
        raise UndecidedError("unreadable", f"{what} cannot be read: {error.strerror}", actual=path) from None


def _read_regular(handle: int, path: Path, most: int, what: str) -> bytes:
    """Look at kind and size first: neither a pipe nor a file of holes is worth an allocation."""
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        raise UndecidedError("unreadable", f"{what} is no regular file", actual=path)
    if status.st_size > most:
        raise UndecidedError("too-large", f"{what} is larger than {most} bytes", actual=path)
    with os.fdopen(handle, "rb", closefd=False) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise UndecidedError("too-large", f"{what} is larger than {most} bytes", actual=path)
    return data


def remove_partial(directory: Path) -> None:
    """Remove what a killed run left half-written in a directory that this run holds the lock of."""
    for path in directory.glob(f".*{_PARTIAL}"):
        path.unlink()


def _temporary_name(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}{_PARTIAL}")

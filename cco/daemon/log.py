"""The daemon's log: bounded, rotated, and free of anything that a person typed or a model said."""

from __future__ import annotations

import errno
import logging
import logging.handlers
import os
import stat
import sys
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

from cco.errors import CcoError
from cco.folders import make_folders, state_folder

LOG = logging.getLogger("cco")
MAX_BYTES = 512 * 1024
KEPT_FILES = 3
_FORMAT = "%(asctime)s %(levelname)-7s %(message)s"


def log_path(folder: Path) -> Path:
    """The log of the daemon whose files are in a folder: one log per temp folder."""
    import hashlib

    tag = hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]
    return state_folder() / f"daemon-{tag}.log"


def set_up(folder: Path) -> Path | None:
    """Send the log to its file; without a usable state folder there is none."""
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
    try:
        path = log_path(folder)
        handler = _Rotating(path, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8")
        os.chmod(path, 0o600)
    except (OSError, CcoError):
        LOG.addHandler(logging.NullHandler())
        return None
    handler.setFormatter(_OneLine(_FORMAT))
    LOG.addHandler(handler)
    return path


def open_log(path: Path) -> BinaryIO:
    """Open a log for reading so that it can be rotated meanwhile.

    Raises: OSError.
    """
    if sys.platform == "win32":
        from cco.daemon.windows_log import open_shared

        return open_shared(path)
    return open(path, "rb", opener=_open_file)


def _open_file(name: str, flags: int) -> int:
    """Open a file and nothing else: a pipe would have us wait for its other end."""
    fd = os.open(name, flags | getattr(os, "O_NONBLOCK", 0), 0o600)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "it is not a file", name)
    return fd


class _Rotating(logging.handlers.RotatingFileHandler):
    """Goes on in the same file while somebody holds it so that it cannot be renamed (Windows), and
    in a new one where somebody has renamed or removed it (elsewhere)."""

    def _open(self) -> TextIOWrapper:
        make_folders(Path(self.baseFilename).parent)
        return TextIOWrapper(
            open(self.baseFilename, "ab", opener=_open_file), encoding="utf-8", line_buffering=True
        )

    def emit(self, record: logging.LogRecord) -> None:
        stream = self.stream
        if sys.platform != "win32" and stream is not None and not _is_at(stream, self.baseFilename):
            with suppress(OSError):
                stream.close()
            self.stream = None  # what is written next opens it again
        super().emit(record)

    def doRollover(self) -> None:  # noqa: N802
        try:
            super().doRollover()
        except OSError:
            if self.stream is None:
                self.stream = self._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Do without what cannot be written: a full disk is no reason to say it to a terminal."""


def _is_at(stream: TextIOWrapper, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), os.stat(path))
    except OSError:
        return False


class _OneLine(logging.Formatter):
    """Keep each record on its line: what others sent must not forge records or reach a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if record.exc_info:
            from cco.redaction import redacted

            text = redacted(text, os.environ)
        lines = text.split("\n")
        return " | ".join("".join(map(_visible, line)) for line in lines)


def _visible(character: str) -> str:
    return character if character.isprintable() else f"\\x{ord(character):02x}"

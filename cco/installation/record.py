"""What was installed, so that exactly that can be removed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cco.errors import InstallFailed
from cco.installation.program import is_single_file
from cco.installation.steps import digest_of, is_regular, link_target

_FORMAT = 1
_MAX_BYTES = 1 << 20


@dataclass
class Record:
    """Everything that an installation made, kept below its prefix."""

    version: str
    files: dict[str, str] = field(default_factory=dict)
    """Path -> SHA-256 in hex."""
    links: dict[str, str] = field(default_factory=dict)
    """Path -> target."""
    folders: list[str] = field(default_factory=list)
    """Folders that were not there before, the innermost first."""
    shell_files: dict[str, bool] = field(default_factory=dict)
    """Start-up files that set PATH, and whether they were made for that."""
    path_entry: str | None = None
    """Windows: what was added to the user's PATH."""

    def to_bytes(self) -> bytes:
        return (json.dumps({"format": _FORMAT, **asdict(self)}, indent=2) + "\n").encode()

    def add_folders(self, folders: Iterable[Path]) -> None:
        """Remember folders that are about to be made."""
        known = {*self.folders, *map(str, folders)}
        self.folders = sorted(known, key=lambda folder: (-len(Path(folder).parts), folder))

    def has(self, path: Path) -> bool:
        """Whether this very file or link was installed, and is as it was then."""
        text = str(path)
        try:
            if text in self.links:
                return link_target(path) == self.links[text]
            return is_regular(path) and self.files.get(text) == digest_of(path.read_bytes())
        except OSError:
            return False

    def owns(self, path: Path) -> bool:
        """Whether it may be removed: as it was installed, or a cco that took its place."""
        listed = str(path) in self.files or str(path) in self.links
        return self.has(path) or (listed and is_regular(path) and is_single_file(path))


def read_record(path: Path) -> Record | None:
    """Read the record of an installation, if there is one.

    Raises: InstallFailed, if it makes no sense.
    """
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(_MAX_BYTES))
        return _from_document(document)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InstallFailed(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise InstallFailed(
            f"{path} is not a record of an installation",
            advice="Remove that file and run cco install again.",
        ) from None


def _from_document(document: dict[str, Any]) -> Record:
    if document.pop("format") != _FORMAT:
        raise ValueError("another format")
    record = Record(**document)
    texts = [record.version, *record.folders, *record.files, *record.files.values()]
    texts += [*record.links, *record.links.values()]
    texts += [*record.shell_files, record.path_entry or ""]
    paths = [*record.folders, *record.files, *record.links, *record.shell_files]
    if not all(isinstance(text, str) and "\0" not in text for text in texts):
        raise ValueError("not texts")
    if not all(Path(path).is_absolute() for path in paths):
        raise ValueError("not absolute")
    return record

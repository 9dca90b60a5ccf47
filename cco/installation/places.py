"""Where an installation goes: below a prefix, in the folders that shells and man(1) look into."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cco.errors import InstallFailed
from cco.folders import APP, belongs_to_another

WINDOWS = sys.platform == "win32"
RECORD = "install.json"


@dataclass(frozen=True)
class Places:
    """The paths of one installation."""

    prefix: Path
    program: Path
    record: Path
    completions: Mapping[str, Path]
    """By shell."""
    manual: Path | None


def default_prefix(environ: Mapping[str, str]) -> Path:
    """The prefix of this user's own programs.

    Raises: InstallFailed, for an account without a home.
    """
    if WINDOWS:
        local = environ.get("LOCALAPPDATA", "")
        if os.path.isabs(local):
            return Path(local) / "Programs" / APP
        return home_folder() / "AppData" / "Local" / "Programs" / APP
    return home_folder() / ".local"


def home_folder(*, to_write: bool = True) -> Path:
    """This user's home folder: HOME, or what the account says where that is unset.

    Raises: InstallFailed; `to_write`, also where HOME is another account's: what root puts there
    would be that account's to replace, and root's to remove.
    """
    home = Path(os.path.expanduser("~"))
    if to_write and belongs_to_another(str(home)):
        raise InstallFailed(
            f"HOME is {home}, which belongs to another account",
            advice="Run it as that account, without sudo; or for root itself, with sudo -H.",
        )
    if not home.is_absolute():
        raise InstallFailed(
            "this account has no home folder", advice="Set HOME, or name a folder: --prefix DIR"
        )
    return home


def places_below(prefix: Path, environ: Mapping[str, str]) -> Places:
    """The paths of an installation below an absolute prefix.

    Below `~/.local` the user's own folders are taken where XDG variables name others, and fish's
    are in its configuration, which all its versions read.
    """
    if WINDOWS:
        return Places(prefix, prefix / f"{APP}.exe", prefix / RECORD, {}, None)
    share, fish = prefix / "share", prefix / "share/fish/vendor_completions.d"
    if prefix == Path(os.path.expanduser("~")) / ".local":
        share = _named(environ, "XDG_DATA_HOME") or share
        config = _named(environ, "XDG_CONFIG_HOME") or prefix.parent / ".config"
        fish = config / "fish/completions"
    return Places(
        prefix=prefix,
        program=prefix / "bin" / APP,
        record=prefix / "share" / APP / RECORD,
        completions={
            "bash": share / "bash-completion/completions" / APP,
            "zsh": share / "zsh/site-functions" / f"_{APP}",
            "fish": fish / f"{APP}.fish",
        },
        manual=share / "man/man1" / f"{APP}.1",
    )


def prefix_of(program: Path) -> Path | None:
    """The prefix that this program was installed below, if it was."""
    prefix = program.parent if WINDOWS else program.parent.parent
    return prefix if places_below(prefix, {}).record.is_file() else None


def _named(environ: Mapping[str, str], variable: str) -> Path | None:
    named = environ.get(variable, "")
    return Path(named) if os.path.isabs(named) else None

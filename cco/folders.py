"""The folders that cco works with, as the system and this user have them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cco.errors import FolderUnusable, UsageInvalid

APP = "cco"
_DARWIN_USER_TEMP_DIR = 65537  # of macOS's <unistd.h>; os.confstr has no name for it
_XDG_DEFAULTS = {"config": ".config", "data": ".local/share", "state": ".local/state"}


def current_folder() -> Path:
    """The folder that cco was started in.

    Raises: UsageInvalid, where it is gone or closed to this user.
    """
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageInvalid(
            f"the current folder cannot be used: {error.strerror}", advice="Change to another one."
        ) from None


def temp_folder(environ: dict[str, str] | None = None) -> Path:
    """Find the operating system's temp folder for this user.

    TMPDIR (Windows: TEMP) where it names a folder; otherwise the system's usual one.
    Raises: FolderUnusable.
    """
    env = os.environ if environ is None else environ
    variable = "TEMP" if sys.platform == "win32" else "TMPDIR"
    named = env.get(variable)
    if named and os.path.isabs(named) and os.path.isdir(named):
        return Path(named)
    usual = Path("/tmp")  # noqa: S108  # what is done to use it safely: cco/sealing/folder.py
    if sys.platform.startswith("linux") and os.access(usual, os.W_OK | os.X_OK):
        return usual
    if sys.platform == "darwin":
        folder = os.confstr(_DARWIN_USER_TEMP_DIR)
        if folder and os.path.isdir(folder):
            return Path(folder)
    import tempfile

    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise FolderUnusable(str(error)) from None


def config_folder() -> Path:
    """The folder of `config.toml`.

    Raises: FolderUnusable, for an account without a home.
    """
    return _of_this_user("config")


def data_folder() -> Path:
    """The folder of the fallback machine id.

    Raises: FolderUnusable, for an account without a home.
    """
    return _of_this_user("data")


def state_folder() -> Path:
    """The folder of the daemon's log.

    Raises: FolderUnusable, for an account without a home.
    """
    return _of_this_user("state")


def make_folders(folder: Path) -> None:
    """Make a folder, and those above it that are missing: this user's alone, whatever the umask.

    Raises: OSError.
    """
    if folder.is_dir():
        return
    make_folders(folder.parent)
    try:
        folder.mkdir(mode=0o700)
        if sys.platform != "win32":
            folder.chmod(0o700)  # what the umask took away
    except FileExistsError:  # made meanwhile, unless it is something else
        if not folder.is_dir():
            raise


def _of_this_user(kind: str) -> Path:
    """One kind of folder: `config`, `data` or `state`.

    On Linux it is found here as platformdirs finds it, which costs a launch 4 ms to import. All
    kinds are one on Windows, where platformdirs asks the system and not LOCALAPPDATA, as others do
    that find them: the launcher, the installation. Nothing is kept where another account could put
    a link, nor left to it as ours.
    """
    if sys.platform == "linux":
        path = _xdg_folder(kind)
    elif sys.platform == "win32" and os.path.isabs(os.environ.get("LOCALAPPDATA", "")):
        path = Path(os.environ["LOCALAPPDATA"]) / APP
    elif sys.platform == "darwin" and belongs_to_another(os.environ.get("HOME", "")):
        path = Path(own_home()) / "Library" / "Application Support" / APP
    else:
        import platformdirs

        try:
            path = getattr(platformdirs, f"user_{kind}_path")(APP, appauthor=False)
        except RuntimeError:  # platformdirs cannot expand `~`
            path = Path()
    if not path.is_absolute():
        raise FolderUnusable("this account has no home folder", advice="Set HOME.")
    return path


def _xdg_folder(kind: str) -> Path:
    """One kind of folder by the XDG Base Directory Specification, which ignores relative paths."""
    named = os.environ.get(f"XDG_{kind.upper()}_HOME", "")
    if os.path.isabs(named) and not belongs_to_another(named):
        return Path(named) / APP
    return Path(own_home()) / _XDG_DEFAULTS[kind] / APP


def own_home() -> str:
    """This account's home folder: HOME, unless that is another account's, as `sudo` and `su` may
    leave it; then, or without HOME, what the account database says. Empty where there is none."""
    if sys.platform == "win32":
        return os.path.expanduser("~")
    home = os.environ.get("HOME", "")
    if os.path.isabs(home) and not belongs_to_another(home):
        return home
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        return ""


def belongs_to_another(folder: str) -> bool:
    """Whether a folder, or what it would be made in, is neither this account's nor root's."""
    if sys.platform == "win32" or not os.path.isabs(folder):
        return False
    while True:
        try:
            return os.stat(folder).st_uid not in (0, os.geteuid())
        except OSError:
            above = os.path.dirname(folder.rstrip(os.sep))
            if above in ("", folder):
                return False
            folder = above

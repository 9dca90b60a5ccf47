"""Every error that cco raises on purpose; docs/errors.md is made from this file.

A class is one thing that can be the case. Its docstring says which, `exit_code` how a command ends
over it, `http_status` how the API answers, and `advice` what to do next, unless whoever raises it
knows better. `python build/errors_page.py` renews the page.

The exit codes are part of the interface (docs/cli.md). Before a launch every error but the two of
Claude Code itself becomes 125, so that the codes of the client stay its own. 70, 71 and 74 are
those of sysexits(3).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # without importing typing: this is on every hot path
    from typing import ClassVar

REPORT_AT = "https://github.com/cco-dev/cco/issues"


class CcoError(Exception):
    """An error with what happened, what to do next, an exit code and an HTTP status."""

    exit_code: ClassVar[int] = 125
    http_status: ClassVar[int] = 500
    advice: str = "Run: cco doctor"

    def __init__(self, message: str, *, advice: str | None = None) -> None:
        super().__init__(message)
        if advice is not None:
            self.advice = advice


class UsageInvalid(CcoError):
    """The command line, or a request to the API, makes no sense."""

    exit_code = 2
    http_status = 400
    advice = "See: cco --help"


class ConfigInvalid(CcoError):
    """A setting, in config.toml or in a CCO_* variable, has a value that cannot be used."""

    exit_code = 10
    advice = "Correct the setting; cco help settings lists them all."


class BuildSecretInvalid(CcoError):
    """A program cannot be frozen for release: the build secret is missing or weak."""

    exit_code = 11
    advice = "Set CCO_BUILD_SECRET to 32 random bytes or more, in hex or base64."


class NotFound(CcoError):
    """There is no such agent, session, note or log."""

    exit_code = 9
    http_status = 404
    advice = "See what there is: cco agents list, cco sessions, cco notes"


class CatalogueInvalid(CcoError):
    """A definition of a specialist breaks the rules of the format, or the catalogue is damaged."""

    exit_code = 12
    advice = "Correct a definition of your own (cco agents lint); else install cco again."


class MachineIdUnavailable(CcoError):
    """This machine has no id, and no random one can be kept in its place."""

    exit_code = 7
    advice = "Give this account a writable home folder, or this machine an /etc/machine-id."


class FolderUnusable(CcoError):
    """A folder or file that cco needs is missing, full, read-only or somebody else's."""

    exit_code = 8
    advice = (
        "Make room or correct its permissions, or point TMPDIR (Windows: TEMP) at another folder."
    )


class SealError(CcoError):
    """A sealed file is refused. It is always one of the following."""

    exit_code = 6
    http_status = 503
    advice = "Seal them anew: cco daemon restart"


class SealedFileMissing(SealError):
    """A sealed file is not there; a cleaner of the temp folder may have taken it."""

    advice = "Seal it anew: cco daemon restart"


class SealedFileUnsafe(SealError):
    """A sealed file has another owner, mode, kind or size than it must, or more than one name."""

    advice = "Look at who made it (ls -la), remove it, then run: cco daemon restart"


class SealedFileTruncated(SealError):
    """A sealed file is shorter than its format or its manifest says; the disk may be full."""

    advice = "Make sure that the disk has room, then run: cco daemon restart"


class SealedFileSwapped(SealError):
    """A sealed file is another one under this name. Nothing of cco's does that."""

    advice = "Find out what moved it, then run: cco daemon restart"


class SealedFileReplayed(SealError):
    """A sealed file belongs to another run of the daemon: somebody put an old one back."""

    advice = "Find out what put it back, then run: cco daemon restart"


class SealedFileChanged(SealError):
    """A sealed file was changed after it was sealed."""

    advice = "Find out what changed it, then run: cco daemon restart"


class SealedFileForeign(SealError):
    """No key of this machine, account and build of cco opens a sealed file."""

    advice = "If you have another build of cco, use that one; else run: cco daemon restart"


class SealedPayloadInvalid(SealError):
    """A sealed file opens, but does not hold what it must; another version may have made it."""

    advice = "Let this version seal it: cco daemon restart"


class DaemonError(CcoError):
    """The daemon did not start, stop or answer as it must."""

    exit_code = 5
    advice = "See what it says: cco daemon logs"


class DaemonNotRunning(DaemonError):
    """No daemon runs, and this needs one."""

    exit_code = 3
    advice = "It starts with the next session, or by: cco daemon start"


class DaemonUnresponsive(DaemonError):
    """The daemon runs and does not answer."""

    advice = "It may be suspended, or the machine very busy. If that lasts: cco daemon restart"


class DaemonAlreadyRunning(DaemonError):
    """A daemon runs already, elsewhere or otherwise than asked."""

    advice = "Run: cco daemon restart"


class PortTaken(DaemonError):
    """The port that was asked for belongs to another program."""

    exit_code = 4
    http_status = 409
    advice = "Choose another port with --port, or leave --port out and cco finds a free one."


class ClaudeNotFound(CcoError):
    """There is no Claude Code; the code is that of env(1)."""

    exit_code = 127
    advice = (
        "Install Claude Code: npm install -g @anthropic-ai/claude-code\n"
        "or name the program: CCO_CLAUDE=/path/to/claude cco"
    )


class ClaudeNotExecutable(CcoError):
    """Claude Code is there and cannot be run; the code is that of env(1)."""

    exit_code = 126
    advice = "Make it executable, or name another program in CCO_CLAUDE."


class ClaudeTooOld(ClaudeNotExecutable):
    """This Claude Code is so old that cco has no way to orchestrate it."""

    advice = (
        "Update it: claude update (or: npm install -g @anthropic-ai/claude-code)\n"
        "Without the orchestration it starts as it is: ORCHESTRATOR_ENABLED=false cco"
    )


class DemoFailed(CcoError):
    """A step of `cco demo` did not truly happen."""

    exit_code = 13
    advice = "See whether everything is in order here: cco doctor"


class InstallFailed(CcoError):
    """cco cannot be installed or removed as asked."""

    exit_code = 14
    advice = "Choose another folder with --prefix DIR; --dry-run only says what would be done."


class Defect(CcoError):
    """cco itself has a defect, or a file of the program is missing or damaged."""

    exit_code = 70
    advice = (
        f"This is a defect of cco. Run it again as `cco --debug …` and report what it prints:\n"
        f"{REPORT_AT}"
    )


class SystemRefused(CcoError):
    """The system gives cco no more memory, open files or processes."""

    exit_code = 71
    advice = "End other programs, or raise the limit (ulimit -a shows them)."


class OutputFailed(CcoError):
    """What a command prints cannot be written where it was sent."""

    exit_code = 74
    advice = "Make room where the output goes, or send it elsewhere."

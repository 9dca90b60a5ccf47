"""Every error that cco raises on purpose.

    CcoError                      125  cco itself failed
    ├── UsageInvalid                2  the command line makes no sense
    ├── ConfigInvalid              10  a setting has a value that cannot be used
    ├── BuildSecretInvalid         11  a release freeze without a real secret
    ├── NotFound                    9  no such agent, session or log
    ├── CatalogueInvalid           12  an agent definition breaks the rules of the format
    ├── MachineIdUnavailable        7  this machine has no id and none can be kept
    ├── FolderUnusable              8  no temp folder takes our files
    ├── SealError                   6  a sealed file is refused
    │   ├── SealedFileMissing           it is not there
    │   ├── SealedFileUnsafe            owner, mode, links, kind or size are wrong
    │   ├── SealedFileTruncated         it is shorter than its format or its manifest says
    │   ├── SealedFileSwapped           it is another of the four under this name
    │   ├── SealedFileReplayed          it belongs to another run of the daemon
    │   ├── SealedFileChanged           its contents are not what the manifest vouches for
    │   ├── SealedFileForeign           no key of this machine, user and build opens it
    │   └── SealedPayloadInvalid        it opens, but does not hold what it must
    ├── DaemonError                 5  the daemon did not start, stop or answer as it must
    │   ├── DaemonNotRunning        3  nothing runs
    │   ├── DaemonAlreadyRunning    5  one runs already, elsewhere than asked
    │   └── PortTaken               4  the port asked for belongs to somebody else
    ├── ClaudeNotFound            127  as env(1)
    ├── ClaudeNotExecutable       126  as env(1)
    ├── DemoFailed                 13  a step of `cco demo` did not truly happen
    └── InstallFailed              14  cco cannot be installed or removed as asked

The numbers are exit codes and are part of the interface (docs/cli.md). Before a launch every
error but the two of Claude Code itself becomes 125, so that the codes of the client stay its own.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # without importing typing: this is on every hot path
    from typing import ClassVar


class CcoError(Exception):
    """An error with what happened, what to do next, an exit code and an HTTP status."""

    exit_code: ClassVar[int] = 125
    http_status: ClassVar[int] = 500
    advice: str = ""

    def __init__(self, message: str, *, advice: str | None = None) -> None:
        super().__init__(message)
        if advice is not None:
            self.advice = advice


class UsageInvalid(CcoError):
    exit_code = 2
    http_status = 400
    advice = "See: cco --help"


class ConfigInvalid(CcoError):
    exit_code = 10
    advice = "Correct the setting; docs/configuration.md lists them all."


class BuildSecretInvalid(CcoError):
    exit_code = 11
    advice = "Set CCO_BUILD_SECRET to 32 random bytes or more, in hex or base64."


class NotFound(CcoError):
    exit_code = 9
    http_status = 404


class CatalogueInvalid(CcoError):
    exit_code = 12


class MachineIdUnavailable(CcoError):
    exit_code = 7
    advice = "Give this account a writable home folder, or this machine an /etc/machine-id."


class FolderUnusable(CcoError):
    exit_code = 8
    advice = "Point TMPDIR (Windows: TEMP) at a folder that you can write to."


class SealError(CcoError):
    exit_code = 6
    http_status = 503
    advice = "Run: cco daemon restart"


class SealedFileMissing(SealError):
    pass


class SealedFileUnsafe(SealError):
    advice = "Look at who made it (ls -la), remove it, then run: cco daemon restart"


class SealedFileTruncated(SealError):
    pass


class SealedFileSwapped(SealError):
    pass


class SealedFileReplayed(SealError):
    pass


class SealedFileChanged(SealError):
    pass


class SealedFileForeign(SealError):
    pass


class SealedPayloadInvalid(SealError):
    pass


class DaemonError(CcoError):
    exit_code = 5
    advice = "See: cco daemon logs"


class DaemonNotRunning(DaemonError):
    exit_code = 3
    advice = "Run: cco daemon start"


class DaemonAlreadyRunning(DaemonError):
    advice = "Run: cco daemon restart"


class PortTaken(DaemonError):
    exit_code = 4
    http_status = 409
    advice = "Choose another port with --port, or leave --port out and cco finds a free one."


class ClaudeNotFound(CcoError):
    exit_code = 127
    advice = (
        "Install Claude Code: npm install -g @anthropic-ai/claude-code\n"
        "or name the program: CCO_CLAUDE=/path/to/claude cco"
    )


class ClaudeNotExecutable(CcoError):
    exit_code = 126
    advice = "Make it executable, or name another program in CCO_CLAUDE."


class DemoFailed(CcoError):
    exit_code = 13


class InstallFailed(CcoError):
    exit_code = 14

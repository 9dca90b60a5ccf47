import _signal  # type: ignore[import-not-found]  # signal's enumerations take too long
import _thread
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MOMENT_S = 0.01


def _ignored(unraisable: "Any") -> None:
    """Let an interrupt come again that came where nothing can be raised.

    As in a finaliser, or in a callback within an import: Python would say so and go on.
    """
    if unraisable.exc_type is KeyboardInterrupt:
        _thread.start_new_thread(_interrupt_again, (_thread.get_ident(),))
    else:
        sys.__unraisablehook__(unraisable)


def _interrupt_again(thread: int) -> None:
    time.sleep(_MOMENT_S)  # by then that thread is out of where it was
    if hasattr(_signal, "pthread_kill"):
        _signal.pthread_kill(thread, _signal.SIGINT)  # ends a system call that waits, too
    else:
        _thread.interrupt_main()


try:
    sys.unraisablehook = _ignored
    if os.environ.pop("CCO_HELD_SIGINT", None) and hasattr(_signal, "pthread_sigmask"):
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, (_signal.SIGINT,))
    from cco.cli.entry import main

    code = main()
except KeyboardInterrupt:  # while that was imported, or on the way out of it
    code = 130
if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # nothing is left to be interrupted in
raise SystemExit(code)

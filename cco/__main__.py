import _signal  # type: ignore[import-not-found]  # signal's enumerations take too long
import os

try:
    if os.environ.pop("CCO_HELD_SIGINT", None) and hasattr(_signal, "pthread_sigmask"):
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, (_signal.SIGINT,))
    from cco.cli.entry import main

    code = main()
except KeyboardInterrupt:  # while that was imported, or on the way out of it
    code = 130
if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # nothing is left to be interrupted in
raise SystemExit(code)

"""The command line: one file a command, and the only place that prints.

Rules for everything here: data goes to stdout, everything else to stderr; `--json` wherever
something is read; an error says what happened and what to do next, and its exit code is in the
table of cco/errors.py; no colour, no cursor movement, so that pipes and dumb terminals see the
same text; nothing that others sent reaches the terminal raw.
"""

COMMANDS = frozenset(
    """
    agents budget completion daemon dashboard demo doctor help install notes rules sessions top
    usage
    """.split()
)

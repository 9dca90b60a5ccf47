"""What the manual page and the help topics say that no command says of itself."""

from __future__ import annotations

NAME = "start Claude Code with specialists, lasting rules and exact costs"

DESCRIPTION = (
    "Run in a project folder, cco starts Claude Code there with specialists that get their brief"
    " when they are dispatched, with rules that survive compaction, and with exact figures of what"
    " every agent does and costs.",
    "What is none of the commands below goes to Claude Code as it is; after -- everything does, the"
    " names of commands included. One option of a launch is cco's own: --budget.",
    "A small daemon keeps the orchestration in sealed files in the temp folder. It starts by itself"
    " and ends with cco daemon stop.",
)

OPTIONS = (
    ("--budget USD", "What the sessions of this launch may cost, in US dollars."),
    ("--", "Everything that follows is Claude Code's."),
    ("--version", "Show version, commit and kind of build, as cco version does."),
    ("-h, --help", "Show the commands, or the help of one."),
)
"""Those of a launch, beside which all options are Claude Code's; the program's own follow."""

UNLISTED = (
    (
        "cco version [--json]",
        "Print version, commit and kind of build.",
    ),
    (
        "cco hook EVENT, cco statusline",
        "Called by Claude Code, not by people; the second also by a status line of yours.",
    ),
)

LAUNCHES = (
    ("cco", "Start Claude Code in this folder, orchestrated."),
    ('cco -p "why is this slow?"', "Any arguments of claude, as they are."),
    ("cco --budget 5", "Start with 5 US dollars at most."),
    ("cco -- doctor", "A claude argument that is also a command of cco."),
)

SETTINGS = (
    ("port", "CCO_PORT", "3000", "The preferred port of the daemon."),
    ("claude", "CCO_CLAUDE", "", "The Claude Code program: a path, or a name on PATH."),
    ("status_line", "CCO_STATUS_LINE", "true", "true or false: the line under the prompt."),
    ("hints", "CCO_HINTS", "true", "true or false: name fitting specialists beside a prompt."),
    ("conflicts", "CCO_CONFLICTS", "warn", "warn, deny or off: edits that may undo another's."),
    (
        "keep_history",
        "CCO_KEEP_HISTORY",
        "false",
        "true or false: keep sessions and figures over a clean stop.",
    ),
    (
        "budget.session",
        "CCO_BUDGET",
        "",
        "What the sessions of one launch may cost, in US dollars.",
    ),
    ("budget.day", "", "", "What all sessions of a day may cost together, in US dollars."),
    ("models", "", "{}", 'Stands in for a model tier, such as haiku = "sonnet".'),
    ("agents.drop", "", "[]", "Specialists that you do not want."),
    ("forward.url", "", "", "The OTLP/HTTP endpoint of a collector that gets a copy."),
    ("forward.headers", "", "{}", "What is sent with it."),
    ("metrics.folder", "", "", "Where a Prometheus on this machine finds address and token."),
)
"""Of config.toml: name, variable, default, and what it is."""

ENVIRONMENT = (
    *((variable, about) for _, variable, _, about in SETTINGS if variable),
    ("CCO_CONFIG", "Another settings file."),
    ("CCO_DEBUG", "1: show where an error comes from, as cco --debug does."),
    ("ORCHESTRATOR_ENABLED", "false: start Claude Code plainly."),
    ("TMPDIR", "The temp folder (Windows: TEMP). Each has a daemon of its own."),
    ("NO_COLOR", "Print cco doctor without colours, draw cco top without bold and reverse."),
)
"""Variables that a person sets. What Claude Code is given is in docs/configuration.md."""

FILES = (
    ("~/.config/cco/config.toml", "Settings."),
    ("~/.config/cco/agents/", "Specialists of your own."),
    ("~/.local/state/cco/", "The daemon's log."),
    ("~/.local/share/cco/", "The record of the installation; the machine id where there is none."),
    ("~/.cache/cco/", "The unpacked program."),
    ("$TMPDIR/.cco-*", "The sealed files, and beside them what Claude Code reads."),
)
"""As they are on Linux; the rest is in docs/configuration.md."""

EXIT_STATUS = (
    "A launch ends with the exit status of Claude Code. Before it, 125 means that cco failed, 126"
    " that Claude Code cannot be run, and 127 that it was not found. Commands end with"
)

EXIT_CODES = (
    (0, "All went well."),
    (1, "A check found problems, nobody was found, or a hook could not be delivered."),
    (2, "The command line makes no sense."),
    (3, "The daemon is not running."),
    (4, "The port asked for is taken."),
    (5, "The daemon did not start, stop or answer."),
    (6, "A sealed file was refused."),
    (7, "This machine has no id, and none can be kept."),
    (8, "No usable temp folder."),
    (9, "No such agent, session or log."),
    (10, "A setting cannot be used."),
    (11, "A release freeze without a real build secret."),
    (12, "The catalogue breaks its rules."),
    (13, "A step of the demo did not truly happen."),
    (14, "cco cannot be installed or removed as asked."),
    (70, "A defect of cco, or a damaged program; cco --debug shows where."),
    (71, "The system gives no more memory, open files or processes."),
    (74, "The output cannot be written, as on a full disk."),
    (125, "A launch failed before Claude Code began."),
    (130, "Interrupted."),
    (141, "The reader of the output went away."),
)

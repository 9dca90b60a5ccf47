"""/hooks/{event}."""

from __future__ import annotations

from cco.claude.bridge import EVENTS
from cco.claude.headers import PROBE
from cco.daemon.api.openapi.parts import (
    JSON,
    TEXT,
    Schema,
    list_of,
    operation,
    path_parameter,
    record,
    ref,
)

_CALLED = (
    "The event's name, as Claude Code has it; `StatusLine` asks for the status line, and `Probe`, "
    "which is recorded nowhere, for what it sent as `probe`."
)
_FIELDS = (
    "cwd model source reason prompt agent_id agent_type last_assistant_message"
    " tool_name tool_input tool_use_id tool_response cost context_window probe"
).split()
_ANYTHING: Schema = {}
_ANSWER = {
    "description": "Taken in. JSON as the client's hook contract has it where there is something "
    "to say, the status line as text, otherwise nothing.",
    "content": {
        JSON: {"schema": ref("HookAnswer")},
        "text/plain": {"schema": TEXT},
    },
}

PATHS = {
    "/hooks/{event}": {
        "post": operation(
            "postHook",
            "Report an event of Claude Code's.",
            {200: _ANSWER},
            more_parameters=[
                path_parameter("event", {"enum": [*EVENTS, "StatusLine", PROBE]}, _CALLED),
            ],
            body=ref("HookPayload"),
            problems=[404],
        )
    }
}

SCHEMAS = {
    "HookPayload": {
        "type": "object",
        "description": "What Claude Code sends; what has an unexpected type counts as absent.",
        "properties": {
            "session_id": {"type": "string", "minLength": 1},
            **dict.fromkeys(_FIELDS, _ANYTHING),
        },
        "required": ["session_id"],
    },
    "HookAnswer": record(
        {
            "hookSpecificOutput": {
                "type": "object",
                "properties": {
                    "hookEventName": TEXT,
                    "additionalContext": TEXT,
                    "permissionDecision": {"const": "deny"},
                    "permissionDecisionReason": TEXT,
                },
                "required": ["hookEventName"],
            },
            "instructions": list_of(TEXT),
            "systemMessage": TEXT,
            "decision": {"const": "block"},
            "reason": TEXT,
            "probe": TEXT,
        },
        optional="hookSpecificOutput instructions systemMessage decision reason probe".split(),
    ),
}

"""/api/v1/agents and one agent."""

from __future__ import annotations

from cco.daemon.api.openapi.parts import (
    AMOUNT,
    COUNT,
    FLAG,
    NEXT,
    TEXT,
    answer,
    list_of,
    operation,
    path_parameter,
    record,
    ref,
)
from cco.daemon.api.openapi.sessions import AGENT_RUN
from cco.daemon.api.openapi.usage import USAGE
from cco.daemon.api.resources import AGENTS_PARAMETERS

_NAME = path_parameter(
    "name", {"type": "string", "minLength": 1, "maxLength": 100}, "With or without `cco:`."
)
_DEFINITION = {
    "name": TEXT,
    "description": TEXT,
    "model": {"type": "string", "description": "A tier or a model id."},
    "tools": list_of(TEXT),
    "source": {"enum": ["cco", "user"]},
}
_DONE = {"runs": COUNT, "running": COUNT, "tool_calls": COUNT, **USAGE}
_FIT = {
    "score": AMOUNT,
    "clear": {**FLAG, "description": "Whether a session would be told of this one."},
}
_ROW = _DEFINITION | _DONE | _FIT

PATHS = {
    "/api/v1/agents": {
        "get": operation(
            "listAgents",
            "The specialists, or those that fit a text.",
            {200: answer("One page.", ref("AgentsPage"))},
            query=AGENTS_PARAMETERS,
            about="Those of the roster in its order, then others that ran, by name. What an agent "
            "did is told of those that ran. With `q`: those that fit it, the best first.",
        )
    },
    "/api/v1/agents/{name}": {
        "get": operation(
            "getAgent",
            "One specialist and its runs.",
            {200: answer("The specialist.", ref("Agent"))},
            more_parameters=[_NAME],
            problems=[404],
        )
    },
}

SCHEMAS = {
    "AgentRow": record(_ROW, optional=_ROW.keys() - {"name"}),
    "AgentsPage": record({"agents": list_of(ref("AgentRow")), "next": NEXT}),
    "Agent": record(
        _DEFINITION | {"runs": list_of(record({"session_id": TEXT} | AGENT_RUN))},
        optional=_DEFINITION.keys() - {"name"},
    ),
}

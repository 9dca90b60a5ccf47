"""/api/v1/sessions and one session."""

from __future__ import annotations

from cco.daemon.api.openapi.parts import (
    AMOUNT,
    COUNT,
    FLAG,
    NAME_OR_NULL,
    NEXT,
    TEXT,
    TIME,
    TIME_OR_NULL,
    answer,
    list_of,
    map_of,
    operation,
    path_parameter,
    record,
    ref,
)
from cco.daemon.api.resources import SESSIONS_PARAMETERS

ID = path_parameter(
    "session_id", {"type": "string", "minLength": 1, "maxLength": 200}, "As Claude Code has it."
)

PATHS = {
    "/api/v1/sessions": {
        "get": operation(
            "listSessions",
            "Sessions, the most recently started first.",
            {200: answer("One page.", ref("SessionsPage"))},
            query=SESSIONS_PARAMETERS,
            about="A session keeps its place while it lives, so that pages neither repeat nor miss "
            "one. A page may hold fewer than `limit` where its sessions have very many agents.",
        )
    },
    "/api/v1/sessions/{session_id}": {
        "get": operation(
            "getSession",
            "One session with its agents.",
            {200: answer("The session.", ref("Session"))},
            more_parameters=[ID],
            problems=[404],
        )
    },
}

AGENT_RUN = {
    "agent_id": TEXT,
    "name": NAME_OR_NULL,
    "parent_id": {**NAME_OR_NULL, "description": "The run that started this one."},
    "description": TEXT,
    "model": NAME_OR_NULL,
    "status": {"enum": ["running", "done", "lost"]},
    "started_at": TIME,
    "ended_at": TIME_OR_NULL,
    "tool_calls": COUNT,
    "last_words_chars": COUNT,
    "usage": ref("Usage"),
    "models": map_of(ref("Usage")),
}

WAIT = {
    "agent_id": {**NAME_OR_NULL, "description": "Of the agent that waits; null for the session."},
    "agent": NAME_OR_NULL,
    "tool": {**TEXT, "description": "What a permission, or an answer, is asked for."},
    "since": TIME,
}

SCHEMAS = {
    "AgentRun": record(AGENT_RUN),
    "Session": record(
        {
            "session_id": TEXT,
            "project": TEXT,
            "model": NAME_OR_NULL,
            "client_version": {**NAME_OR_NULL, "description": "Of its Claude Code."},
            "status": {"enum": ["running", "ended"]},
            "waiting": {
                **list_of(record(WAIT)),
                "description": "Questions that the person has not answered yet, the oldest first.",
            },
            "started_at": TIME,
            "last_seen_at": TIME,
            "ended_at": TIME_OR_NULL,
            "orchestrated": {**FLAG, "description": "Whether its hooks reach the daemon."},
            "prompts": COUNT,
            "tool_calls": COUNT,
            "compactions": COUNT,
            "api_errors": COUNT,
            "conflicts": {
                **COUNT,
                "description": "Edits that might have undone another's.",
            },
            "active_time_s": AMOUNT,
            "files_edited": COUNT,
            "own_usage": ref("Usage"),
            "usage": ref("Usage"),
            "models": map_of(ref("Usage")),
            "agents": list_of(ref("AgentRun")),
            "past_agents": {
                **map_of(record({"runs": COUNT, "tool_calls": COUNT, "usage": ref("Usage")})),
                "description": "Runs too many to be kept one by one, by the agent's name.",
            },
        }
    ),
    "SessionsPage": record({"sessions": list_of(ref("Session")), "next": NEXT}),
}

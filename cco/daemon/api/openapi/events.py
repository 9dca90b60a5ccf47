"""/api/v1/events and the timeline of a session."""

from __future__ import annotations

from cco.daemon.api.events import STREAM_PARAMETERS, TIMELINE_PARAMETERS
from cco.daemon.api.openapi.parts import (
    COUNT,
    NAME_OR_NULL,
    TEXT,
    TIME,
    answer,
    list_of,
    operation,
    record,
    ref,
)
from cco.daemon.api.openapi.sessions import ID

_EXAMPLE = """\
retry: 2000
id: 6c1f0a-41

id: 6c1f0a-42
event: agent.started
data: {"id": 42, "time": 1767225600.0, "kind": "agent.started", "session_id": "s", "agent": "x"}

"""
_LAST_ID = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "The last id that was seen: what followed it is sent first. An id of another "
    "run of the daemon, or one too long ago, is answered with the event `reset`.",
    "schema": {"type": "string"},
}
_STREAM = {
    "description": "A stream without end: every event with its `id`, its kind as `event`, and "
    "`data` as one line of JSON (Event).",
    "content": {"text/event-stream": {"schema": TEXT, "example": _EXAMPLE}},
}

PATHS = {
    "/api/v1/events": {
        "get": operation(
            "streamEvents",
            "What happens, as it happens: server-sent events.",
            {200: _STREAM},
            query=STREAM_PARAMETERS,
            more_parameters=[_LAST_ID],
            problems=[503],
            about="A comment is sent where nothing happens for 15 seconds. A reader that falls "
            "behind by more than 1 MiB is cut off.",
        )
    },
    "/api/v1/sessions/{session_id}/events": {
        "get": operation(
            "listSessionEvents",
            "What happened in one session, the oldest first, as far back as it is kept.",
            {200: answer("One page.", ref("EventsPage"))},
            query=TIMELINE_PARAMETERS,
            more_parameters=[ID],
            problems=[404],
        )
    },
}

SCHEMAS = {
    "Event": {
        **record(
            {
                "id": {**COUNT, "description": "Counted from 1 in each run of the daemon."},
                "time": TIME,
                "kind": TEXT,
                "session_id": TEXT,
                "agent_id": TEXT,
                "agent": NAME_OR_NULL,
            },
            optional=["agent_id", "agent"],
        ),
        "description": "Further fields tell what the kind is about.",
        "additionalProperties": True,
    },
    "EventsPage": record(
        {
            "events": list_of(ref("Event")),
            "next": {
                "type": ["integer", "null"],
                "description": "The `after` of the page that follows; null on the last one.",
            },
            "first_kept": {
                **COUNT,
                "description": "The oldest event that the daemon keeps, of any session.",
            },
            "last_event_id": {
                "type": "string",
                "description": "As `Last-Event-ID` it makes the stream go on from here.",
            },
        }
    ),
}

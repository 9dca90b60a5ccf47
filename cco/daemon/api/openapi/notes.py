"""/api/v1/notes and one note."""

from __future__ import annotations

from cco.daemon.api.notes import NOTES_PARAMETERS
from cco.daemon.api.openapi.parts import (
    NAME_OR_NULL,
    NEXT,
    TEXT,
    TIME,
    answer,
    list_of,
    operation,
    path_parameter,
    record,
    ref,
)
from cco.ledger.notes import MAX_AUTHOR_CHARS, MAX_PATH_CHARS, MAX_TEXT_CHARS

_ID = path_parameter(
    "note_id", {"type": "string", "minLength": 1, "maxLength": 20}, "As the note itself has it."
)
_FILLED = r"^[^\x00]*[^\x00\s][^\x00]*$"
_FOLDER = {
    "type": ["string", "null"],
    "pattern": r"^(/|[A-Za-z]:[/\\])[^\x00]*$",
    "maxLength": MAX_PATH_CHARS,
    "description": "A folder's full path; the note belongs to the repository around it.",
}
_SESSION = {"type": ["string", "null"], "description": "The session that leaves it."}


_GIVEN = {
    "type": "object",
    "properties": {
        "text": {
            "type": "string",
            "pattern": _FILLED,
            "minLength": 1,
            "maxLength": MAX_TEXT_CHARS,
        },
        "project": _FOLDER,
        "session_id": _SESSION,
        "path": {
            **NAME_OR_NULL,
            "maxLength": MAX_PATH_CHARS,
            "description": "What it is about.",
        },
        "author": {**NAME_OR_NULL, "maxLength": MAX_AUTHOR_CHARS},
    },
    "required": ["text"],
    "anyOf": [{"required": ["project"]}, {"required": ["session_id"]}],
    "additionalProperties": False,
}
PATHS = {
    "/api/v1/notes": {
        "get": operation(
            "listNotes",
            "Notes, the latest first; or those that fit a text, the best first.",
            {200: answer("One page.", ref("NotesPage"))},
            query=NOTES_PARAMETERS,
        ),
        "post": operation(
            "postNote",
            "Leave a note.",
            {201: answer("The note.", ref("Note"))},
            body=_GIVEN,
            problems=[404],
            about="The oldest of the project, then of all, make room for it.",
        ),
    },
    "/api/v1/notes/{note_id}": {
        "delete": operation(
            "deleteNote",
            "Take a note away.",
            {204: {"description": "It is gone."}},
            more_parameters=[_ID],
            problems=[403, 404],
        )
    },
}

SCHEMAS = {
    "Note": record(
        {
            "note_id": TEXT,
            "project": TEXT,
            "text": TEXT,
            "author": TEXT,
            "session_id": {**TEXT, "description": "Empty where no session left it."},
            "path": NAME_OR_NULL,
            "created_at": TIME,
        }
    ),
    "NotesPage": record({"notes": list_of(ref("Note")), "next": NEXT}),
}

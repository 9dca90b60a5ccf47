"""GET, POST /api/v1/notes and DELETE /api/v1/notes/{id}: what agents and people left."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from cco.daemon.api.parameters import Cursor, Parameter, cursor_of, page_size, read_query
from cco.daemon.handler import BaseHandler, Problem
from cco.daemon.mcp.callers import Caller, session_caller
from cco.ledger.notes import MAX_QUERY_CHARS
from cco.ledger.projects import project_of

_FIELDS = ("text", "project", "session_id", "path", "author")
_PERSON = "a person"
PROJECT = Parameter("project", "Only of the project that this folder, by its full path, is in.")
QUERY = Parameter("q", "Those that fit these words, the best first, on one page.", MAX_QUERY_CHARS)
CURSOR = Cursor(kinds=(int,))
NOTES_PARAMETERS = (page_size(), CURSOR, PROJECT, QUERY)


class NotesHandler(BaseHandler):
    """The notes, the latest first; or those that fit a text, the best first."""

    def get(self) -> None:
        query = read_query(self.request, NOTES_PARAMETERS)
        cursor, limit = query["cursor"], query["limit"]
        project = None if query["project"] is None else _project(query["project"])
        notes = self.state.ledger.notes
        if query["q"] is not None:
            if cursor:
                CURSOR.refuse("does not go with q, whose answer is one page")
            found = notes.search(query["q"], project)[:limit]
            self.send({"notes": [note.document() for note in found], "next": None})
            return
        found = [note for note in notes.latest(project) if not cursor or note.number < cursor[0]]
        page = found[:limit]
        more = len(page) < len(found)
        self.send(
            {
                "notes": [note.document() for note in page],
                "next": cursor_of(page[-1].number) if more else None,
            }
        )

    def post(self) -> None:
        given = self._given()
        author = self._author(given)
        note = self.state.ledger.notes.add(
            given.get("text", ""),
            project=author.project,
            author=given.get("author", author.author),
            session_id=author.session_id,
            path=given.get("path"),
        )
        self.set_header("Location", f"/api/v1/notes/{note.note_id}")
        self.send(note.document(), HTTPStatus.CREATED)

    def _given(self) -> dict[str, str]:
        given: dict[str, Any] = self.json_object()
        if unknown := sorted(set(given) - set(_FIELDS)):
            shown = unknown[0][:40]
            raise Problem(
                HTTPStatus.BAD_REQUEST,
                f"a note has no {shown!r}; it has {', '.join(_FIELDS)}",
            )
        texts = {name: value for name, value in given.items() if value is not None}
        for name, value in texts.items():
            if not isinstance(value, str):
                raise Problem(HTTPStatus.BAD_REQUEST, f"{name} must be text")
        return texts

    def _author(self, given: dict[str, str]) -> Caller:
        """The session that is named, or a person; in the project that is named, or the session's.

        Raises: NotFound, Problem.
        """
        named = _project(given["project"]) if "project" in given else ""
        if "session_id" in given:
            caller = session_caller(self.state.ledger.session(given["session_id"]))
            project = named or caller.project
            if project:
                return Caller(project, caller.author, caller.session_id)
        if not named:
            raise Problem(HTTPStatus.BAD_REQUEST, "give a project, or the session_id of one")
        return Caller(named, _PERSON)


class NoteHandler(BaseHandler):
    """One note."""

    def _check_content_type(self) -> None:
        """There is no body whose type could matter."""

    def delete(self, note_id: str) -> None:
        self.state.ledger.notes.remove(note_id)
        self.set_status(HTTPStatus.NO_CONTENT)
        self.finish()


def _project(folder: str) -> str:
    project = project_of(folder)
    if not project:
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "project must be a folder's full path of up to 1,000 characters",
            parameter="project",
        )
    return project

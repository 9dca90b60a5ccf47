"""The dashboard's page and files, and signing in to it."""

from __future__ import annotations

from cco.daemon.api.openapi.parts import (
    COUNT,
    TEXT,
    Schema,
    answer,
    operation,
    path_parameter,
    record,
)

_FILE = {
    "description": "The file.",
    "content": {"*/*": {"schema": {}}},
}
_UNCHANGED = {"description": "It is as `If-None-Match` has it."}
_PAGE = {200: answer("The page.", TEXT, "text/html"), 304: _UNCHANGED}
_NAME = path_parameter(
    "file",
    {"type": "string", "pattern": "^[a-zA-Z0-9._/-]{1,100}$", "examples": ["js/api.js"]},
    "The file's name, folders included.",
)
_NOTHING: Schema = {"type": "object"}
_OWN_PAGE = "Only for the dashboard's own page in a browser."


PATHS = {
    "/": {
        "get": operation("getPage", "The dashboard.", _PAGE, problems=[404], open_to_all=True),
    },
    "/web/{file}": {
        "get": operation(
            "getPageFile",
            "A file of the dashboard's.",
            {200: _FILE, 304: _UNCHANGED},
            more_parameters=[_NAME],
            problems=[404],
            open_to_all=True,
        )
    },
    "/sign-in": {
        "get": operation(
            "getSignInPage", "The dashboard.", _PAGE, problems=[404], open_to_all=True
        ),
        "post": operation(
            "postSignIn",
            "Let a browser in for a code.",
            {200: answer("It has its cookie.", record({"page_key": TEXT}))},
            body=record({"code": TEXT}),
            problems=[413, 429],
            about=_OWN_PAGE,
            open_to_all=True,
        ),
    },
    "/sign-out": {
        "post": operation(
            "postSignOut",
            "Let the browser that asks in no more.",
            {200: answer("It is signed out.", record({"status": {"const": "signed out"}}))},
            body=_NOTHING,
            problems=[413],
            about=_OWN_PAGE,
            open_to_all=True,
        )
    },
    "/api/v1/dashboard-code": {
        "post": operation(
            "postDashboardCode",
            "Make a code that lets a browser in, once.",
            {
                200: answer(
                    "The code.",
                    record({"code": TEXT, "url": TEXT, "expires_in_s": COUNT}),
                )
            },
            body=_NOTHING,
        )
    },
}

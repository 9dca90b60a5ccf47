"""The tornado application: which address is answered by whom."""

from __future__ import annotations

import tornado.web

from cco.daemon.api import budget, events, files, health, leases, notes, resources, shutdown
from cco.daemon.api.openapi.handler import DescriptionHandler
from cco.daemon.dashboard import handlers as dashboard
from cco.daemon.handler import NotFoundHandler
from cco.daemon.hooks.handler import HookHandler
from cco.daemon.mcp.handler import McpHandler
from cco.daemon.state import State
from cco.daemon.telemetry import metrics, receiver

MAX_BODY_BYTES = 32 * 1024 * 1024


def make_application(state: State) -> tornado.web.Application:
    """Put the routes together."""
    measured = metrics.Metrics()
    return tornado.web.Application(
        [
            (r"/health", health.HealthHandler),
            (r"/hooks/([A-Za-z]{1,40})", HookHandler),
            (r"/v1/logs", receiver.LogsHandler),
            (r"/v1/metrics", receiver.MetricsHandler),
            (r"/metrics", metrics.ExpositionHandler),
            (r"/api/v1/sessions", resources.SessionsHandler),
            (r"/api/v1/sessions/([^/]{1,200})", resources.SessionHandler),
            (r"/api/v1/sessions/([^/]{1,200})/events", events.SessionEventsHandler),
            (r"/api/v1/events", events.EventsHandler),
            (r"/api/v1/agents", resources.AgentsHandler),
            (r"/api/v1/agents/([^/]{1,100})", resources.AgentHandler),
            (r"/api/v1/usage", resources.UsageHandler),
            (r"/api/v1/notes", notes.NotesHandler),
            (r"/api/v1/notes/([^/]{1,20})", notes.NoteHandler),
            (r"/mcp", McpHandler),
            (r"/api/v1/budget", budget.BudgetHandler),
            (r"/api/v1/leases", leases.LeasesHandler),
            (r"/api/v1/files", files.FilesHandler),
            (r"/api/v1/shutdown", shutdown.ShutdownHandler),
            (r"/api/v1/openapi.json", DescriptionHandler),
            (r"/api/v1/dashboard-code", dashboard.CodeHandler),
            (r"/", dashboard.PageHandler),
            (r"/sign-in", dashboard.SignInHandler),
            (r"/sign-out", dashboard.SignOutHandler),
            (r"/web/([a-zA-Z0-9._/-]{1,100})", dashboard.PageHandler),
        ],
        default_handler_class=NotFoundHandler,
        state=state,
        metrics=measured,
        log_function=measured.count,
        compress_response=False,
    )

"""What the daemon does otherwise for a Claude Code that lacks an ability."""

from __future__ import annotations

import pytest

from cco.claude import versions
from cco.claude.headers import CLIENT_HEADER
from cco.sealing import names
from tests.conftest import Answer, Sandbox
from tests.integration.test_http_hooks import context

pytestmark = pytest.mark.usefixtures("undisturbed")

OLD = versions.MINIMUM


def tell(daemon: Sandbox, session_id: str, client: versions.Version, source: str) -> Answer:
    """Send a SessionStart, as a launch with this client has it sent."""
    payload = {"session_id": session_id, "source": source}
    headers = {CLIENT_HEADER: versions.spelled(client)}
    return daemon.request("POST", "/hooks/SessionStart", payload, headers)


@pytest.mark.parametrize(("client", "counted"), [(OLD, 1), (versions.POST_COMPACT.since, 0)])
def test_a_compaction_is_counted_at_the_new_start_where_nothing_else_tells_of_it(
    daemon: Sandbox, client: versions.Version, counted: int
) -> None:
    session_id = f"compacted-by-{versions.spelled(client)}"
    for source in ("startup", "compact"):
        assert tell(daemon, session_id, client, source).status == 200
    session = daemon.request("GET", f"/api/v1/sessions/{session_id}").json()
    assert session["client_version"] == versions.spelled(client)
    assert session["compactions"] == counted


@pytest.mark.parametrize(
    ("client", "again"), [(OLD, True), (versions.CONTEXT_OUTLIVES_RESUME.since, False)]
)
def test_the_rules_come_again_where_a_resumed_session_has_lost_them(
    daemon: Sandbox, client: versions.Version, again: bool
) -> None:
    rules = daemon.sealed().open_member(names.RULES)["rules"]
    session_id = f"resumed-by-{versions.spelled(client)}"
    for source in ("startup", "compact"):
        assert rules in context(tell(daemon, session_id, client, source), "SessionStart")
    answer = tell(daemon, session_id, client, "resume")
    if again:
        assert rules in context(answer, "SessionStart")
    else:
        assert (answer.status, answer.body) == (200, b"")

"""Print what one event of Claude Code's costs: in cco, and where every hook is a process.

    python -m tests.bench.hooks [--rounds 40]

CCO_TEST_BINARY names the single file; `make bench` sets it. The peer is what a popular
orchestrator's own settings run (tests/bench/peer.py). All run in turn, so look at the ratios.
"""

from __future__ import annotations

import argparse
import http.client
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench import peer
from tests.bench.timing import Contender, median_ms, race, ratio
from tests.conftest import BINARY, Sandbox

PAYLOADS: dict[str, tuple[str, dict[str, object]]] = {
    "PreToolUse": (
        "pre-edit",
        {"tool_name": "Edit", "tool_input": {"file_path": "/home/ada/a.py"}},
    ),
    "UserPromptSubmit": (
        "route",
        {"prompt": "Why does the query of the orders page take so long?"},
    ),
    "SubagentStart": ("status", {"agent_id": "a1", "agent_type": "cco:database-engineer"}),
}


def over_http(place: Sandbox, event: str, body: bytes) -> Callable[[], object]:
    """The event as Claude Code sends it, on a connection that is kept."""
    settings = place.sealed().settings
    connection = http.client.HTTPConnection("127.0.0.1", settings.port, timeout=30)
    headers = {"Authorization": f"Bearer {settings.token}", "Content-Type": "application/json"}

    def send() -> None:
        connection.request("POST", f"/hooks/{event}", body, headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200

    return send


def as_process(
    command: Sequence[str], body: bytes, env: dict[str, str], folder: Path
) -> Callable[[], object]:
    def run() -> None:
        subprocess.run(
            command, input=body, env=env, cwd=folder, stdout=subprocess.DEVNULL, check=True
        )

    return run


def compare(place: Sandbox, rounds: int) -> None:
    node = shutil.which("node")
    assert node is not None, "Node is missing"
    place.ok("daemon", "start")
    settings = place.sealed().settings
    peer.install(place.project)
    outside = place.environment(CLAUDE_PROJECT_DIR=str(place.project))
    session = place.environment(
        ORCHESTRATOR_ENABLED="true",
        ORCHESTRATOR_API_URL=settings.api_url,
        CCO_TOKEN=settings.token,
    )
    for event, (action, told) in PAYLOADS.items():
        payload = {"session_id": "bench", "hook_event_name": event, **told}
        body = json.dumps(payload).encode()
        command, folder = [*place.command, "hook", event], place.project
        theirs = peer.command(action)
        contenders = {
            "http": Contender("cco, over HTTP", over_http(place, event, body)),
            "command": Contender("cco hook", as_process(command, body, session, folder)),
            "node": Contender("node -e 0", as_process([node, "-e", "0"], body, outside, folder)),
            "peer": Contender(f"{peer.NAME} {action}", as_process(theirs, body, outside, folder)),
        }
        race(contenders, rounds, warm_up=3)
        for one in contenders.values():
            found = ratio(one, contenders["http"])
            print(f"{event:18} {one.name:28} {median_ms(one):8.2f} ms  {found:7.1f} x", flush=True)
    place.ok("daemon", "stop")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    if BINARY is None:
        parser.error("CCO_TEST_BINARY must be set: make bench")
    with tempfile.TemporaryDirectory(prefix="cco-bench-") as folder:
        place = Sandbox(Path(folder) / "box", (str(Path(BINARY).resolve()),), frozen=True)
        try:
            compare(place, options.rounds)
        finally:
            place.close()


if __name__ == "__main__":
    main()

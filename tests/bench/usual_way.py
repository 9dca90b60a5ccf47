"""Print what cco costs beside the usual way: agents as files, and a process for each hook.

    python -m tests.bench.usual_way [--rounds 30]

CCO_TEST_BINARY names the single file, CCO_TEST_CLAUDE the client. Measured is the first request
that the real client sends (a token counted as four characters), with nothing, with cco, and with as
many agents in `~/.claude/agents`, their descriptions as long as those of public collections; and
what one event of a tool costs as a process of the user's own and as cco takes it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from cco.catalogue.markdown import load_markdown
from cco.demo.model_api import ModelServer, text
from tests.bench.timing import Contender, median_ms, race
from tests.conftest import BINARY, CLAUDE, Sandbox
from tests.e2e.conftest import Stage

CHARS_PER_TOKEN = 4
DESCRIPTIONS = {
    "as in VoltAgent/awesome-claude-code-subagents (c9e51ec, mean of 158)": 209,
    "as in wshobson/agents (367cb6a, mean of 202)": 273,
    "of 390 characters": 390,
}
EVENT = {"tool_name": "Read", "tool_input": {"file_path": "/a"}, "hook_event_name": "PostToolUse"}
PYTHON_HOOK = "import json, sys; json.load(sys.stdin)"
NODE_HOOK = "JSON.parse(require('fs').readFileSync(0, 'utf8'))"


def request_of(stage: Stage, *command: str) -> dict[str, object]:
    """The body of the first request that names tools: titles and counts go without."""
    before = len(stage.requests)
    done = subprocess.run(
        command, env=stage.environment(), cwd=stage.sandbox.project, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done
    return dict(next(one for one in stage.requests[before:] if one.tool_names).body)


def tokens(body: dict[str, object]) -> int:
    parts = {name: body.get(name) for name in ("system", "tools", "messages")}
    return len(json.dumps(parts, ensure_ascii=False)) // CHARS_PER_TOKEN


def listed(body: dict[str, object], marks: list[str]) -> int:
    """What the lines of the agents take of a request."""
    words = json.dumps(body, ensure_ascii=False).split("\\n")
    lines = [line for line in words if line.startswith(tuple(marks))]
    return -(-sum(len(line) + 1 for line in lines) // CHARS_PER_TOKEN)  # as cco agents lint counts


def put_agents(home: Path, length: int) -> None:
    """As many agents of the user's as cco has, by the same names."""
    folder = home / ".claude" / "agents"
    folder.mkdir(parents=True, exist_ok=True)
    for agent in load_markdown().agents:
        description = (f"{agent.description}. " * 20)[:length].strip()
        front = f"name: {agent.name}\ndescription: {description}\nmodel: sonnet"
        (folder / f"{agent.name}.md").write_text(f"---\n{front}\n---\n{agent.brief}\n")


def listings(folder: Path, binary: str, claude: str) -> None:
    names = [agent.name for agent in load_markdown().agents]
    with ModelServer(lambda request: [text("Done.")]) as model:
        plain = Stage(Sandbox(folder / "plain", (binary,), frozen=True), model, claude)
        nothing = tokens(request_of(plain, claude, "-p", "hello"))
        print(f"a request of the client alone: {nothing:,} tokens")
        for what, length in DESCRIPTIONS.items():
            put_agents(plain.sandbox.home, length)
            body = request_of(plain, claude, "-p", "hello")
            alone = listed(body, [f"- {name}:" for name in names])
            print(f"{len(names)} agents, descriptions {what}: {alone:,} tokens")
        ours = Stage(Sandbox(folder / "cco", (binary,), frozen=True), model, claude)
        body = request_of(ours, binary, "-p", "hello")
        alone = listed(body, [f"- cco:{name}:" for name in names])
        print(f"cco's {len(names)} specialists: {alone:,} tokens", end="")
        print(f"; all that cco adds, rules included: {tokens(body) - nothing:,}")
        ours.sandbox.close()


def events(folder: Path, binary: str, rounds: int) -> None:
    place = Sandbox(folder / "events", (binary,), frozen=True)
    place.ok("daemon", "start")
    place.hook("SessionStart", "bench", source="startup", cwd=str(place.project))
    data = json.dumps(EVENT).encode()
    programs = {
        "Python": [sys.executable, "-c", PYTHON_HOOK],
        "Node": [shutil.which("node") or "node", "-e", NODE_HOOK],
    }

    def process(argv: list[str]) -> Contender:
        return Contender("", lambda: subprocess.run(argv, input=data, check=True))

    contenders = {f"a process of {name}": process(argv) for name, argv in programs.items()}
    contenders["cco, over HTTP"] = Contender(
        "", lambda: place.hook("PostToolUse", "bench", **EVENT)
    )
    race(contenders, rounds)
    for name, one in contenders.items():
        print(f"one event of a tool, {name}: {median_ms(one):.1f} ms")
    place.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    if BINARY is None or CLAUDE is None:
        sys.exit("name the programs in CCO_TEST_BINARY and CCO_TEST_CLAUDE")
    binary = str(Path(BINARY).resolve())
    with tempfile.TemporaryDirectory(prefix="cco-usual-way-") as folder:
        listings(Path(folder), binary, CLAUDE)
        events(Path(folder), binary, options.rounds)


if __name__ == "__main__":
    main()

"""Print what the parts of a launch cost: each is left out in turn.

    python -m tests.bench.launch_parts [--rounds 15]

CCO_TEST_BINARY names the single file, CCO_TEST_CLAUDE the client. cco is asked once what it gives
Claude Code; then the client gets all of it, or all but one part. A part's share is the median of
the differences between neighbouring runs; parts overlap, so the shares do not add up exactly. The
last lines are of a model that lets people wait as one in the network does.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cco.demo.model_api import Block, ModelRequest, ModelServer, text
from tests.bench.timing import Contender, median_ms, race, ratio
from tests.conftest import BINARY, CLAUDE, Sandbox
from tests.e2e.conftest import Stage
from tests.fake_claude import FakeClaude

PROMPT = ("-p", "hi")
MODEL_S = 1.0
"""A short answer of a large model takes about as long."""


class Launch:
    """What cco starts, whole or without one of its parts."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage, self.folder = stage, folder
        folder.mkdir()
        fake = FakeClaude(folder / "fake")
        stage.sandbox.ok(*PROMPT, env={**stage.environment(), "CCO_CLAUDE": str(fake.path)})
        start = fake.only_start()
        self.environ = start.environ
        self.settings = json.loads(Path(start.option("--settings")).read_text())
        self.plugin = Path(start.option("--plugin-dir"))
        self.nudge = start.option("--append-system-prompt")

    def contender(
        self,
        name: str,
        settings: dict[str, Any] | None = None,
        plugin: Path | None = None,
        *,
        telemetry: bool = True,
    ) -> Contender:
        into = self.folder / f"{len(list(self.folder.iterdir()))}.json"
        into.write_text(json.dumps(self.settings if settings is None else settings))
        argv = [
            self.stage.claude,
            *("--settings", str(into)),
            *("--plugin-dir", str(plugin or self.plugin)),
            *("--append-system-prompt", self.nudge),
            *PROMPT,
        ]
        environ = dict(self.environ)
        if not telemetry:
            del environ["CLAUDE_CODE_ENABLE_TELEMETRY"]
        return running(name, argv, environ, self.stage)

    def without_hooks(self, *left_out: str) -> dict[str, Any]:
        kept = {
            event: one for event, one in self.settings["hooks"].items() if event not in left_out
        }
        return {**self.settings, "hooks": kept}

    def plugin_without(self, part: str) -> Path:
        """A copy of the plugin folder without its stubs, or without its MCP server."""
        copy = self.folder / f"without-{part}"
        shutil.copytree(self.plugin, copy)
        if part == "agents":
            shutil.rmtree(copy / "agents")
        else:
            manifest = copy / ".claude-plugin" / "plugin.json"
            document = json.loads(manifest.read_text())
            del document[part]
            manifest.write_text(json.dumps(document))
        return copy


def running(name: str, argv: Sequence[str], environ: dict[str, str], stage: Stage) -> Contender:
    def run() -> None:
        subprocess.run(
            argv, env=environ, cwd=stage.sandbox.project, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip

    return Contender(name, run)


def parts(launch: Launch, rounds: int) -> None:
    stage, hooks = launch.stage, launch.settings["hooks"]
    environ = stage.environment()
    cco = stage.sandbox.command
    nothing = {**environ, "CCO_CLAUDE": shutil.which("true") or "/bin/true"}
    whole = launch.contender("all of it, without cco before")
    less = [
        launch.contender("the telemetry", telemetry=False),
        launch.contender("the tools of the daemon", plugin=launch.plugin_without("mcpServers")),
        launch.contender("the specialists' stubs", plugin=launch.plugin_without("agents")),
        launch.contender("the hook SessionStart", launch.without_hooks("SessionStart")),
        launch.contender("all hooks", launch.without_hooks(*hooks)),
    ]
    plain = running("claude -p hi", [stage.claude, *PROMPT], environ, stage)
    own = running("cco to the moment it is Claude Code", [*cco, *PROMPT], nothing, stage)
    together = running("cco -p hi", [*cco, *PROMPT], environ, stage)
    contenders = [plain, together, own, whole, *less]
    race({one.name: one for one in contenders}, rounds, warm_up=2)
    for one in (plain, together, own, whole):
        print(f"{one.name:38} {median_ms(one):7.1f} ms")
    for one in less:
        pairs = zip(whole.took_s, one.took_s, strict=True)
        share_ms = statistics.median(with_it - without for with_it, without in pairs) * 1e3
        print(f"  of that, {one.name:28} {share_ms:7.1f} ms")


def waiting(stage: Stage, rounds: int) -> None:
    """The same comparison as `make bench-freeze` makes, with a model that takes its time."""
    environ = stage.environment()
    plain = running("claude -p hi", [stage.claude, *PROMPT], environ, stage)
    ours = running("cco -p hi", [*stage.sandbox.command, *PROMPT], environ, stage)
    race({one.name: one for one in (plain, ours)}, rounds)
    took = f"{median_ms(ours):.0f} ms, {ratio(ours, plain):.3f} x claude -p hi"
    print(f"cco -p hi, of a model that takes {MODEL_S:.0f} s: {took}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    if BINARY is None or CLAUDE is None:
        sys.exit("name the programs in CCO_TEST_BINARY and CCO_TEST_CLAUDE")
    with tempfile.TemporaryDirectory(prefix="cco-launch-parts-") as name:
        folder = Path(name)
        sandbox = Sandbox(folder / "box", (str(Path(BINARY).resolve()),), frozen=True)
        sandbox.ok("daemon", "start")
        delay_s = 0.0

        def answer(request: ModelRequest) -> list[Block]:
            time.sleep(delay_s)
            return [text("Hello.")]

        try:
            with ModelServer(answer) as model:
                stage = Stage(sandbox, model, CLAUDE)
                parts(Launch(stage, folder / "parts"), options.rounds)
                delay_s = MODEL_S
                waiting(stage, options.rounds)
        finally:
            sandbox.close()


if __name__ == "__main__":
    main()

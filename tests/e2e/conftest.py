"""The real Claude Code under cco, with a scripted model on loopback."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cco.claude import versions
from cco.claude.plugin import mcp_permission, mcp_server
from cco.demo.model_api import ModelRequest, ModelServer, Script
from tests.conftest import BINARY, SOURCE, Result, Sandbox

BACKGROUND_WITH_A_KEY = versions.Ability((2, 1, 250))
"""Background sessions of older clients reach no model with an API key alone, also without cco."""
KEY = "sk-ant-test-0000000000000000000000000000"


@dataclass
class Stage:
    """A sandbox, a scripted model, and the real client."""

    sandbox: Sandbox
    model: ModelServer
    claude: str

    def environment(self, **more: str) -> dict[str, str]:
        return self.sandbox.environment(
            CCO_CLAUDE=self.claude,
            ANTHROPIC_BASE_URL=self.model.url,
            ANTHROPIC_API_KEY=KEY,
            CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
            DISABLE_AUTOUPDATER="1",
            TERM="xterm-256color",
            **more,
        )

    def run(self, *arguments: str, **more: str) -> Result:
        return self.sandbox.run(*arguments, env=self.environment(**more))

    def ask(self, *arguments: str, **more: str) -> dict[str, Any]:
        """Run a `-p` session to its end and return the client's own account of it."""
        result = self.run(*arguments, "--output-format", "json", **more)
        assert result.code == 0, result
        document: dict[str, Any] = json.loads(result.out)
        return document

    def can(self, ability: versions.Ability) -> bool:
        """Whether the client is new enough for something."""
        return ability.is_in(versions.installed_version(Path(self.claude)))

    def tool(self, name: str) -> str:
        """What the client calls one of the daemon's tools."""
        server = mcp_server(self.sandbox.sealed().settings.token)
        return f"{mcp_permission(server)}__{name}"

    def json(self, *arguments: str) -> Any:
        return json.loads(self.sandbox.ok(*arguments, "--json"))

    @property
    def requests(self) -> list[ModelRequest]:
        return self.model.requests

    def skip_first_run_dialogs(self, folder: Path | None = None) -> None:
        """What a person has answered once, as the interactive client keeps it."""
        project = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}
        document = {
            "hasCompletedOnboarding": True,
            "theme": "dark",
            "hasSeenAutoDefaultNudge": True,
            "customApiKeyResponses": {"approved": [KEY[-20:]], "rejected": []},
            "projects": {str(folder or self.sandbox.project): project},
        }
        (self.sandbox.home / ".claude.json").write_text(json.dumps(document))


MakeStage = Callable[[Script], Stage]


@pytest.fixture
def stage(sandbox: Sandbox, claude: str) -> Iterator[MakeStage]:
    """Make a stage for a script, from source and frozen."""
    yield from _stages(sandbox, claude)


@pytest.fixture
def one_stage(tmp_path: Path, claude: str) -> Iterator[MakeStage]:
    """Make a stage in one form only: frozen where the binary is there."""
    command = SOURCE if BINARY is None else (str(Path(BINARY).resolve()),)
    sandbox = Sandbox(tmp_path / "box", command, frozen=BINARY is not None)
    yield from _stages(sandbox, claude)
    sandbox.close()


def _stages(sandbox: Sandbox, claude: str) -> Iterator[MakeStage]:
    models: list[ModelServer] = []

    def make(script: Script) -> Stage:
        models.append(ModelServer(script))
        return Stage(sandbox, models[-1], claude)

    yield make
    for model in models:
        model.close()
        assert model.failures == []

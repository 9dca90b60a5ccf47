"""The settings of cco's own: the file, the variables, and who may write them."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from tests.conftest import Sandbox
from tests.integration.doctor.conftest import ROOT, examined, fixed_twice, found


def test_a_config_that_cannot_be_used_does_not_end_the_examination(
    source_sandbox: Sandbox, client: Path
) -> None:
    path = source_sandbox.root / "config.toml"
    path.write_text("colour = 1\n")
    document = examined(source_sandbox, client, healthy=False, env={"CCO_CONFIG": str(path)})
    assert "'colour'" in found(document, "config.file")["detail"]
    assert found(document, "claude.program")["state"] == "ok"
    assert found(document, "temp.folder")["state"] == "ok"


def test_orchestration_that_is_turned_off(source_sandbox: Sandbox, client: Path) -> None:
    document = examined(source_sandbox, client, env={"ORCHESTRATOR_ENABLED": "False"})
    assert found(document, "config.enabled")["state"] == "note"


def test_what_others_may_write_is_closed_to_them(sandbox: Sandbox, client: Path) -> None:
    folder = sandbox.home / ".config/cco/agents"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    (folder.parent / "config.toml").touch()
    (folder.parent / "config.toml").chmod(0o666)
    fixed_twice(sandbox, client, "config.writable")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert stat.S_IMODE((folder.parent / "config.toml").stat().st_mode) == 0o644


def test_every_variable_of_ours_is_known() -> None:
    from cco.doctor.own_settings import KNOWN, OURS

    sources = [path for path in (ROOT / "cco").rglob("*.py") if path.name != "own_settings.py"]
    sources += (ROOT / "build/launcher").rglob("*.c")
    used = {one for path in sources for one in re.findall(r'"(CCO_[A-Z_]+)"', path.read_text())}
    settings = {"CCO_CLAUDE", "CCO_CONFLICTS", "CCO_HINTS", "CCO_KEEP_HISTORY", "CCO_PORT",
                "CCO_STATUS_LINE", "CCO_BUILD_SECRET"}  # fmt: skip
    assert used - {"CCO_REMOVE", "CCO_PARENT"} <= KNOWN | OURS
    assert used | settings >= KNOWN | OURS

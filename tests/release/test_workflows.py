"""What every workflow must keep to, beyond what the linters look at."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
_USES = re.compile(r"^\s*(?:- )?uses: (?P<action>[\w-]+/[\w-]+)@(?P<ref>\S+)(?P<rest>.*)$", re.M)


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text())["jobs"]
    return found


def needed_by(name: str, all_jobs: dict[str, dict[str, Any]]) -> set[str]:
    """Every job that must have succeeded before this one."""
    needs = all_jobs[name].get("needs", [])
    direct = {needs} if isinstance(needs, str) else set(needs)
    return direct.union(*(needed_by(other, all_jobs) for other in direct))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_job_has_the_least_it_needs(path: Path) -> None:
    document = yaml.safe_load(path.read_text())
    assert document["permissions"] == {}
    assert "concurrency" in document
    for job in document["jobs"].values():
        assert "permissions" in job
        assert "timeout-minutes" in job or "uses" in job
        for step in job.get("steps", ()):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
            assert "${{" not in step.get("run", "")


def test_actions_are_pinned_by_commit_and_all_alike() -> None:
    pins: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for match in _USES.finditer(path.read_text()):
            assert re.fullmatch(r"[0-9a-f]{40}", match["ref"]), match[0]
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", match["rest"]), match[0]
            pins.setdefault(match["action"], set()).add(match["ref"] + match["rest"])
    assert pins
    assert all(len(found) == 1 for found in pins.values())
    assert set(pins) <= {
        f"actions/{name}"
        for name in (
            "attest checkout download-artifact setup-node setup-python upload-artifact".split()
        )
    }


def test_secrets_are_in_the_environment_of_single_steps_of_protected_jobs() -> None:
    for path in WORKFLOWS:
        for job in jobs(path).values():
            outside = {key: value for key, value in job.items() if key != "steps"}
            assert "secrets." not in str(outside)
            for step in job.get("steps", ()):
                rest = {key: value for key, value in step.items() if key != "env"}
                assert "secrets." not in str(rest)
                if "secrets." in str(step.get("env", {})):
                    assert job["environment"] in ("release", "publish")
    assert "secrets." not in (ROOT / ".github" / "workflows" / "ci.yml").read_text()


def test_every_secret_and_variable_is_documented_and_used() -> None:
    text = "".join(path.read_text() for path in WORKFLOWS)
    used = set(re.findall(r"\b(?:secrets|vars)\.([A-Z_]+)", text))
    documents = (ROOT / "docs" / "releasing.md").read_text()
    _, _, settings = documents.partition("## Settings of the repository")
    settings, _, _ = settings.partition("\n## ")
    assert set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", settings)) == used


def test_the_build_secret_reaches_the_freeze_and_nothing_else() -> None:
    steps = [
        step
        for job in jobs(ROOT / ".github" / "workflows" / "release.yml").values()
        for step in job.get("steps", ())
        if "CCO_BUILD_SECRET" in str(step.get("env", {}))
    ]
    assert len(steps) == 3
    for step in steps:
        assert step["name"] == "Freeze"
        assert "--release" in step["run"]
        assert list(step["env"]) == ["CCO_BUILD_SECRET"]


def test_nothing_is_drafted_before_everything_has_passed() -> None:
    release = jobs(ROOT / ".github" / "workflows" / "release.yml")
    before = needed_by("draft", release)
    builds = {name for name in release if name.startswith("build-")}
    assert before == {"check", "ci", "smoke", "collect", "attest", *builds}
    writers = [name for name, job in release.items() if "write" in str(job["permissions"])]
    assert writers == ["attest", "draft"]
    assert set(release["attest"]["permissions"]) == {"attestations", "id-token"}
    for name in ("homebrew", "winget"):
        assert "published" in needed_by(name, release)


def test_the_checks_of_make_check_find_what_is_wrong(tmp_path: Path) -> None:
    """The command fails on a workflow with a fault of each kind, so its silence means something."""
    if shutil.which("actionlint", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("actionlint is locked for Linux on x86_64 only")
    (tmp_path / "build" / "release").mkdir(parents=True)
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    tool = tmp_path / "build" / "release" / "check_workflows.py"
    shutil.copyfile(ROOT / "build" / "release" / "check_workflows.py", tool)
    good = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    faults = {
        "none": good,
        "schema": good.replace("timeout-minutes: 60", "timeout-minutes: soon"),
        "actionlint": good.replace("matrix.machine", "matrix.machin"),
        "zizmor": re.sub(r"(actions/checkout)@[0-9a-f]{40} # v7\S+", r"\1@v7", good),
    }
    for name, text in faults.items():
        assert name == "none" or text != good
        (tmp_path / ".github" / "workflows" / "ci.yml").write_text(text)
        done = subprocess.run([sys.executable, tool], capture_output=True, text=True, check=False)
        assert (done.returncode == 0) is (name == "none"), done.stdout + done.stderr

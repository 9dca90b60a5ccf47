"""The release workflow, run from end to end on this machine by act."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from release import assets
from release.names import PLATFORMS

from cco.build_info import VERSION
from tests.release.conftest import CHANGELOG
from tests.release.staging import TAG, Staging, act_program, stage

pytestmark = pytest.mark.skipif(
    act_program() is None, reason="act is locked for Linux on x86_64 only"
)
PUSH: dict[str, object] = {"ref": f"refs/tags/{TAG}"}


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    return stage(tmp_path)


def test_a_tag_becomes_a_complete_draft(staging: Staging) -> None:
    run = staging.act("push", PUSH)
    assert run.code == 0, run.log
    assert set(run.results.values()) == {"success"}
    assert len(run.results) == 19
    release = staging.gh.state["release"]
    assert release["isDraft"] is True
    assert sorted(asset["name"] for asset in release["assets"]) == assets.expected(VERSION)
    assert staging.gh.sent() == []

    entries = [entry for entry in run.asked if isinstance(entry, list)]
    freezes = [entry for entry in entries if "--out" in entry]
    assert len(freezes) == len(PLATFORMS)
    assert all("--release" in entry for entry in freezes)
    assert all(entry[-1] == ["CCO_BUILD_SECRET"] for entry in freezes)
    assert all(entry[-1] == [] for entry in entries if entry not in freezes)
    assert "for-the-freeze-only" not in run.log
    tried = {Path(entry[1]).name for entry in entries if entry[0] == "release/smoke"}
    programs = {name for target in PLATFORMS for name in assets.artefacts(VERSION, target)}
    assert tried == programs
    assert run.asked.index("ran ci") < run.asked.index("attested release/SHA256SUMS")


@pytest.mark.parametrize(
    "lost", [f"cco-{VERSION}-macos-arm64.tar.gz", f"cco_{VERSION}_arm64.deb.cdx.json"]
)
def test_a_missing_asset_stops_it(lost: str, staging: Staging) -> None:
    run = staging.act("push", PUSH, LOST=lost)
    assert run.code != 0
    assert f"1 of 27 files are missing: {lost}" in run.log
    assert run.results["Put the files together"] == "failure"
    assert "Attest where the files come from" not in run.results
    assert "Draft the release" not in run.results
    assert staging.gh.state["calls"] == []


def test_an_upload_that_got_lost_fails_the_draft(staging: Staging) -> None:
    staging.gh.change(lost=["install.sh"])
    run = staging.act("push", PUSH)
    assert run.code != 0
    assert run.results["Attest where the files come from"] == "success"
    assert run.results["Draft the release"] == "failure"
    assert staging.gh.state["release"]["isDraft"] is True


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda text: text, "the tag says 9.9.9"),
        (lambda text: text.replace(VERSION, "0.0.1"), "no sections"),
    ],
)
def test_nothing_is_built_of_a_tag_that_does_not_agree(
    change: Callable[[str], str], fault: str, tmp_path: Path
) -> None:
    staging = stage(tmp_path, change(CHANGELOG))
    tag = "v9.9.9" if change(CHANGELOG) == CHANGELOG else TAG
    run = staging.act("push", {"ref": f"refs/tags/{tag}"})
    assert run.code != 0
    assert fault in run.log
    assert run.results == {"Tag, version and changelog agree": "failure"}
    assert run.asked == []


def test_publishing_updates_the_tap_and_only_that(staging: Staging, release_folder: Path) -> None:
    staging.gh.change(
        published=str(release_folder),
        api={"repos/owner/homebrew-tap": {"default_branch": "main"}},
    )
    run = staging.act("release", {"release": {"tag_name": TAG, "prerelease": False}})
    assert run.code == 0, run.log
    assert run.results == {
        "Verify what was published": "success",
        "Update the Homebrew tap": "success",
    }
    ((method, path, _),) = staging.gh.sent()
    assert (method, path) == ("PUT", "repos/owner/homebrew-tap/contents/Formula/cco.rb")
    ((name, *_, secrets),) = run.asked
    assert (name, secrets) == ("pack", [])


def test_a_pre_release_updates_nothing(staging: Staging) -> None:
    run = staging.act("release", {"release": {"tag_name": TAG, "prerelease": True}})
    assert run.code == 0, run.log
    assert run.results == {}
    assert staging.gh.state["calls"] == []

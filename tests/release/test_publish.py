"""What others see of a release: the draft, the tap, the proposal to winget."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from release import assets, publish
from release.errors import ReleaseError

from cco.build_info import VERSION
from tests.release.conftest import CHANGELOG, FakeGh

TAG = f"v{VERSION}"


@pytest.fixture(autouse=True)
def changelog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "CHANGELOG.md"
    path.write_text(CHANGELOG)
    monkeypatch.setattr(publish, "CHANGELOG", path)


def test_a_draft_holds_every_file_and_the_notes(fake_gh: FakeGh, release_folder: Path) -> None:
    publish.draft(TAG, release_folder, notarised=False)
    release = fake_gh.state["release"]
    assert release["isDraft"] is True
    assert sorted(asset["name"] for asset in release["assets"]) == assets.expected(VERSION)
    assert "- All of it." in release["notes"]
    assert "gh attestation verify FILE --repo owner/cco" in release["notes"]
    create = next(call for call in fake_gh.state["calls"] if call[:2] == ["release", "create"])
    assert "--verify-tag" in create
    assert "--prerelease" not in create


def test_nothing_is_drafted_of_an_incomplete_release(fake_gh: FakeGh, release_folder: Path) -> None:
    (release_folder / f"cco-{VERSION}-macos-arm64").unlink()
    with pytest.raises(ReleaseError, match=f"missing: cco-{VERSION}-macos-arm64"):
        publish.draft(TAG, release_folder, notarised=False)
    assert fake_gh.state["calls"] == []


def test_a_release_that_needs_disk_images_is_not_drafted_without(
    fake_gh: FakeGh, release_folder: Path
) -> None:
    with pytest.raises(ReleaseError, match=r"macos-arm64\.dmg"):
        publish.draft(TAG, release_folder, notarised=True)
    assert fake_gh.state["calls"] == []


def test_an_upload_that_got_lost_is_noticed(fake_gh: FakeGh, release_folder: Path) -> None:
    fake_gh.change(lost=["install.sh"])
    with pytest.raises(ReleaseError, match=r"not what was built: install\.sh"):
        publish.draft(TAG, release_folder, notarised=False)
    assert fake_gh.state["release"]["isDraft"] is True


def test_a_draft_is_replaced_and_a_published_release_is_not(
    fake_gh: FakeGh, release_folder: Path
) -> None:
    fake_gh.change(release={"tag_name": TAG, "draft": True, "id": 7})
    publish.draft(TAG, release_folder, notarised=False)
    assert ["api", "--method", "DELETE", "repos/owner/cco/releases/7"] in fake_gh.state["calls"]
    fake_gh.change(release={"tag_name": TAG, "draft": False, "id": 7}, calls=[])
    with pytest.raises(ReleaseError, match="published already"):
        publish.draft(TAG, release_folder, notarised=False)
    assert [call[0] for call in fake_gh.state["calls"]] == ["api"]


def test_what_is_published_is_fetched_and_verified(
    fake_gh: FakeGh, release_folder: Path, tmp_path: Path
) -> None:
    fake_gh.change(published=str(release_folder))
    publish.published(TAG, tmp_path / "fetched", notarised=False)
    verified = [call for call in fake_gh.state["calls"] if call[0] == "attestation"]
    assert len(verified) == len(assets.expected(VERSION)) - 1
    for call in verified:
        assert call[call.index("--source-ref") + 1] == f"refs/tags/{TAG}"
        assert (
            call[call.index("--signer-workflow") + 1] == "owner/cco/.github/workflows/release.yml"
        )


def test_files_that_our_workflow_did_not_build_are_refused(
    fake_gh: FakeGh, release_folder: Path, tmp_path: Path
) -> None:
    fake_gh.change(published=str(release_folder), unattested=["install.sh"])
    with pytest.raises(ReleaseError, match="gh attestation verify exits 1"):
        publish.published(TAG, tmp_path / "fetched", notarised=False)


def test_the_formula_is_put_into_the_tap_once(
    fake_gh: FakeGh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEBREW_TAP", "owner/homebrew-tap")
    formula = tmp_path / "cco.rb"
    formula.write_text("class Cco < Formula\nend\n")
    place = "repos/owner/homebrew-tap/contents/Formula/cco.rb"
    fake_gh.change(api={"repos/owner/homebrew-tap": {"default_branch": "main"}})
    publish.homebrew(TAG, formula)
    ((method, path, body),) = fake_gh.sent()
    assert (method, path, body["branch"]) == ("PUT", place, "main")
    assert base64.b64decode(body["content"]).decode() == formula.read_text()
    assert "sha" not in body

    present = {"content": body["content"], "sha": "abc"}
    api = {"repos/owner/homebrew-tap": {"default_branch": "main"}, f"{place}?ref=main": present}
    fake_gh.change(api=api, sent=[])
    publish.homebrew(TAG, formula)
    assert fake_gh.sent() == []

    formula.write_text("class Cco < Formula\n  # newer\nend\n")
    publish.homebrew(TAG, formula)
    ((_, _, body),) = fake_gh.sent()
    assert body["sha"] == "abc"


def test_winget_gets_a_branch_the_manifests_and_one_proposal(
    fake_gh: FakeGh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WINGET_FORK", "owner/winget-pkgs")
    place = f"manifests/o/Owner/cco/{VERSION}"
    for kind in ("", ".installer", ".locale.en-US"):
        file = tmp_path / "winget" / f"Owner.cco{kind}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"# {kind}\n")
    api: dict[str, object] = {
        "repos/microsoft/winget-pkgs": {"default_branch": "master"},
        "repos/owner/winget-pkgs/git/ref/heads/master": {"object": {"sha": "abc"}},
        f"repos/microsoft/winget-pkgs/pulls?head=owner:cco-{VERSION}&state=open": [],
    }
    fake_gh.change(api=api)
    publish.winget(TAG, tmp_path / "winget")
    sent = fake_gh.sent()
    assert [(method, path.split("/")[-1]) for method, path, _ in sent] == [
        ("POST", "merge-upstream"),
        ("POST", "refs"),
        ("PUT", "Owner.cco.yaml"),
        ("PUT", "Owner.cco.installer.yaml"),
        ("PUT", "Owner.cco.locale.en-US.yaml"),
        ("POST", "pulls"),
    ]
    assert sent[1][2] == {"ref": f"refs/heads/cco-{VERSION}", "sha": "abc"}
    assert sent[2][1] == f"repos/owner/winget-pkgs/contents/{place}/Owner.cco.yaml"
    assert sent[5][2]["title"] == f"New version: Owner.cco version {VERSION}"
    assert sent[5][2]["head"] == f"owner:cco-{VERSION}"

    api[f"repos/owner/winget-pkgs/git/ref/heads/cco-{VERSION}"] = {"object": {"sha": "def"}}
    api[f"repos/microsoft/winget-pkgs/pulls?head=owner:cco-{VERSION}&state=open"] = [{"number": 1}]
    fake_gh.change(api=api, sent=[])
    publish.winget(TAG, tmp_path / "winget")
    assert not [path for _, path, _ in fake_gh.sent() if path.endswith(("refs", "pulls"))]


@pytest.mark.parametrize("value", ["", "tap", "a/b/c"])
def test_a_variable_that_names_no_repository_is_refused(
    value: str, fake_gh: FakeGh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEBREW_TAP", value)
    with pytest.raises(ReleaseError, match="HOMEBREW_TAP must name a repository"):
        publish.homebrew(TAG, tmp_path / "cco.rb")
    assert fake_gh.state["calls"] == []

"""The steps of a release that others see.

    python build/release/publish.py draft TAG FOLDER       a draft release with exactly these files
    python build/release/publish.py published TAG FOLDER   fetch a published release, and verify it
    python build/release/publish.py homebrew TAG FILE      put the formula into the tap
    python build/release/publish.py winget TAG FOLDER      propose the manifests to winget

gh takes GH_TOKEN, and GITHUB_REPOSITORY names the repository. HOMEBREW_TAP names the tap's
repository, WINGET_FORK one's fork of microsoft/winget-pkgs. --notarised is that of assets.py.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "build")]

from release import assets, checksums  # noqa: E402
from release.errors import ReleaseError, run  # noqa: E402
from release.github import find, gh, put_file, send  # noqa: E402
from release.names import CHECKSUMS  # noqa: E402
from release.version import CHANGELOG, notes, version_of  # noqa: E402

WINGET = "microsoft/winget-pkgs"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Shapes: -> exit status, 0 or 1.
    """
    parser = argparse.ArgumentParser(description="The steps of a release that others see.")
    parser.add_argument("--notarised", action="store_true", help="as for assets.py")
    actions = parser.add_subparsers(dest="action", required=True)
    for action in ("draft", "published", "homebrew", "winget"):
        sub = actions.add_parser(action)
        sub.add_argument("tag")
        sub.add_argument("path", type=Path)
    options = parser.parse_args(arguments)
    steps: dict[str, Callable[[str, Path], None]] = {
        "draft": lambda tag, path: draft(tag, path, notarised=options.notarised),
        "published": lambda tag, path: published(tag, path, notarised=options.notarised),
        "homebrew": homebrew,
        "winget": winget,
    }
    return run("publish", lambda: steps[options.action](options.tag, options.path))


def draft(tag: str, folder: Path, *, notarised: bool) -> None:
    """Make a draft release and demand that it holds every file, whole.

    An earlier draft of the same tag is replaced; a published release is left alone.
    Raises: ReleaseError.
    """
    version = version_of(tag)
    names = assets.expected(version, notarised=notarised)
    assets.verify(names, folder)
    for release in find(f"repos/{_repository()}/releases?per_page=100") or ():
        if release["tag_name"] == tag:
            if not release["draft"]:
                raise ReleaseError(
                    f"{tag} is published already", "Give the next one a new version."
                )
            gh("api", "--method", "DELETE", f"repos/{_repository()}/releases/{release['id']}")
    with tempfile.TemporaryDirectory(prefix="cco-release-") as scratch:
        body = Path(scratch, "notes.md")
        body.write_text(_body(version), encoding="utf-8")
        command = ["release", "create", tag, "--draft", "--verify-tag", "--title", f"cco {version}"]
        command += ["--notes-file", str(body), "--repo", _repository()]
        command += ["--prerelease"] if "-" in version else []
        gh(*command, *(str(folder / name) for name in names))
    _compare(tag, folder, names)


def _body(version: str) -> str:
    return (
        f"{notes(version, CHANGELOG.read_text(encoding='utf-8'))}\n\n"
        "### Verify\n\n"
        "```\n"
        f"sha256sum --check --ignore-missing {CHECKSUMS}\n"
        f"gh attestation verify FILE --repo {_repository()}\n"
        "```\n"
    )


def _compare(tag: str, folder: Path, names: Sequence[str]) -> None:
    """Demand that GitHub holds these files with these sizes and digests."""
    answer = gh("release", "view", tag, "--repo", _repository(), "--json", "assets,isDraft")
    release = json.loads(answer)
    if release["isDraft"] is not True:
        raise ReleaseError(f"{tag} is no draft")
    held = {asset["name"]: asset for asset in release["assets"]}
    wrong = [name for name in names if not _is_whole(held.get(name), folder / name)]
    wrong += sorted(set(held) - set(names))
    if wrong:
        raise ReleaseError(
            f"the draft of {tag} is not what was built: {', '.join(wrong)}",
            "Do not publish it. Run this job again.",
        )


def _is_whole(asset: dict[str, object] | None, path: Path) -> bool:
    if asset is None or asset["size"] != path.stat().st_size:
        return False
    digest = asset.get("digest")  # GitHub has it for what was uploaded since 2025
    return digest in (None, "", f"sha256:{checksums.digest_of(path)}")


def published(tag: str, folder: Path, *, notarised: bool) -> None:
    """Fetch what users will get, and demand that it is whole and was built by our workflow.

    Raises: ReleaseError.
    """
    names = assets.expected(version_of(tag), notarised=notarised)
    folder.mkdir(parents=True)
    gh("release", "download", tag, "--repo", _repository(), "--dir", str(folder))
    assets.verify(names, folder)
    for name in names:
        if name != CHECKSUMS:
            gh(
                *("attestation", "verify", str(folder / name), "--repo", _repository()),
                *("--signer-workflow", f"{_repository()}/.github/workflows/release.yml"),
                *("--source-ref", f"refs/tags/{tag}"),
            )


def homebrew(tag: str, formula: Path) -> None:
    """Put the formula into the tap's default branch.

    Raises: ReleaseError.
    """
    tap = _named("HOMEBREW_TAP")
    branch = _default_branch(tap)
    text, message = formula.read_text(encoding="utf-8"), f"cco {version_of(tag)}"
    changed = put_file(tap, f"Formula/{formula.name}", text, branch=branch, message=message)
    print(f"publish: {tap}: {'updated' if changed else 'up to date'}", file=sys.stderr)


def winget(tag: str, folder: Path) -> None:
    """Propose the manifests from a branch of one's fork.

    The branch starts where winget's own does. A branch of the same version is used again.
    Shapes: a folder with the files, `<identifier>.yaml` and those that go with it.
    Raises: ReleaseError.
    """
    fork, version = _named("WINGET_FORK"), version_of(tag)
    files = sorted(folder.glob("*.yaml"), key=lambda file: len(file.name))
    if not files or files[0].stem.count(".") != 1:
        raise ReleaseError(f"{folder} holds no manifests")
    identifier = files[0].stem
    publisher, package = identifier.split(".")
    place = f"manifests/{publisher[0].lower()}/{publisher}/{package}/{version}"
    base = _default_branch(WINGET)
    branch = f"cco-{version}"
    send("POST", f"repos/{fork}/merge-upstream", {"branch": base})
    if find(f"repos/{fork}/git/ref/heads/{branch}") is None:
        start = find(f"repos/{fork}/git/ref/heads/{base}")
        if start is None:
            raise ReleaseError(f"{fork} has no branch {base}")
        new = {"ref": f"refs/heads/{branch}", "sha": start["object"]["sha"]}
        send("POST", f"repos/{fork}/git/refs", new)
    for file in files:
        text = file.read_text(encoding="utf-8")
        message = f"{identifier} {version}: {file.name}"
        put_file(fork, f"{place}/{file.name}", text, branch=branch, message=message)
    owner = fork.split("/")[0]
    if not find(f"repos/{WINGET}/pulls?head={owner}:{branch}&state=open"):
        proposal = {
            "title": f"New version: {identifier} version {version}",
            "head": f"{owner}:{branch}",
            "base": base,
            "body": f"Made by the release of {tag} of {_repository()}.",
        }
        send("POST", f"repos/{WINGET}/pulls", proposal)


def _default_branch(repository: str) -> str:
    found = find(f"repos/{repository}")
    if found is None:
        raise ReleaseError(f"{repository} is not there, or hidden from this token")
    return str(found["default_branch"])


def _repository() -> str:
    return _named("GITHUB_REPOSITORY")


def _named(variable: str) -> str:
    value = os.environ.get(variable, "")
    if value.count("/") != 1:
        raise ReleaseError(f"{variable} must name a repository, owner/name, not {value[:80]!r}")
    return value


if __name__ == "__main__":
    raise SystemExit(main())

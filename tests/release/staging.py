"""A repository in small on which act runs the real release.yml: what builds is a stand-in, what
checks, collects and publishes is not."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cco.build_info import VERSION
from tests.release.conftest import CHANGELOG, FakeGh, install_fake_gh

ROOT = Path(__file__).parent.parent.parent
TAG = f"v{VERSION}"
TIMEOUT_S = 150
SECRETS = "CCO_BUILD_SECRET=for-the-freeze-only\nHOMEBREW_TAP_TOKEN=for-the-tap-only\n"
_RELEASE = "assets checksums errors github names publish tools version __init__".split()
_USES = re.compile(r"uses: (actions/[a-z-]+@[0-9a-f]{40})")
_RUNS_ON = re.compile(r"(?:runs-on|runner): ([a-z][a-z0-9.-]+)")

_CI = """name: CI
on:
  workflow_call:
jobs:
  stand-in:
    runs-on: ubuntu-24.04
    steps:
      - run: echo "ran ci" >> "$ASKED"
"""

_MAKEFILE = """bootstrap:
\tmkdir -p .venv/bin
\tln -sf "$$REAL_PYTHON" .venv/bin/python
"""

_BUILDER = '''"""Stands in for {name}: writes down how it was asked, and makes what it should."""
import json, os, sys
from pathlib import Path

arguments = sys.argv[1:]
secrets = [name for name in ("CCO_BUILD_SECRET", "GH_TOKEN") if os.environ.get(name)]
with open(os.environ["ASKED"], "a") as asked:
    asked.write(json.dumps(["{name}", *arguments, secrets]) + "\\n")
made = []
if "--out" in arguments and {freezes}:
    made = [arguments[arguments.index("--out") + 1]]
elif arguments[0] == "archive":
    program = arguments[arguments.index("--program") + 1]
    made = [program.removesuffix(".exe") + (".zip" if program.endswith(".exe") else ".tar.gz")]
elif arguments[0] == "deb":
    machine = "amd64" if "x86_64" in arguments[-1] else "arm64"
    made = [f"dist/cco_{version}_{{machine}}.deb"]
elif arguments[0] == "formula":
    made = ["formula/cco.rb"]
elif arguments[0] == "winget":
    made = ["manifests/Owner.cco.yaml"]
for path in made:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(f"made by {name}: {{path}}")
'''

_SBOM = '''"""Stands in for sbom.py: only the digest is true."""
import hashlib, json, sys
from pathlib import Path

for path in map(Path, sys.argv[1:]):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    component = {"hashes": [{"alg": "SHA-256", "content": digest}]}
    document = {"metadata": {"component": component}}
    path.with_name(path.name + ".cdx.json").write_text(json.dumps(document))
'''

_ACTIONS = {
    "setup-python": "true",
    "setup-node": "true",
    "upload-artifact": """
      store=$ARTIFACTS/$NAME
      mkdir -p "$store"
      if [ -d "$FROM" ]; then cp -R "$FROM"/. "$store"; else cp $FROM "$store"; fi
      rm -f "$store/${LOST:-none}"
      [ -n "$(ls -A "$store")" ]
""",
    "download-artifact": """
      mkdir -p "$FROM"
      [ -z "$NAME" ] || exec cp -R "$ARTIFACTS/$NAME"/. "$FROM"
      cp -R $ARTIFACTS/$PATTERN "$FROM"
""",
    "attest": """
      [ -s "$SUMS" ]
      echo "attested $SUMS" >> "$ASKED"
""",
}

_ACTION = """name: stand-in
inputs: {{name: {{}}, path: {{}}, pattern: {{}}, subject-checksums: {{}}}}
runs:
  using: composite
  steps:
  - shell: bash
    env:
      NAME: ${{{{ inputs.name }}}}
      FROM: ${{{{ inputs.path }}}}
      PATTERN: ${{{{ inputs.pattern }}}}
      SUMS: ${{{{ inputs.subject-checksums }}}}
    run: |{script}
"""

_PROGRAMS = {
    "python": '[ "$1" = -m ] && [ "$2" = pip ] && exit\nexec "$REAL_PYTHON" "$@"',
    "python3": 'exec "$REAL_PYTHON" "$@"',
    "sudo": 'while [ "${1#-}" != "$1" ]; do shift; done\nexec "$@"',
    "apt-get": "exit 0",
}


@dataclass
class Run:
    """How a run of the workflow ended."""

    code: int
    log: str
    asked: list[Any]
    """What the stand-ins wrote down: lines of JSON, or texts."""
    results: dict[str, str]
    """`success` or `failure` by the job's name, for those that ran."""


@dataclass
class Staging:
    """The repository, and everything that stands in."""

    root: Path
    gh: FakeGh

    @property
    def repository(self) -> Path:
        return self.root / "repository"

    def act(self, event: str, payload: dict[str, object], **extra: str) -> Run:
        """Run release.yml for an event."""
        asked = self.root / "asked"
        asked.write_text("")
        (self.root / "event.json").write_text(json.dumps(payload))
        workflow = self.repository / ".github" / "workflows" / "release.yml"
        text = workflow.read_text() + _CI
        command = [str(act_program()), event, "--workflows", str(workflow), "--json"]
        command += ["--eventpath", str(self.root / "event.json"), "--no-cache-server"]
        command += ["--action-cache-path", str(self.root / "cache"), "--concurrent-jobs", "2"]
        for label in sorted(set(_RUNS_ON.findall(text))):
            command += ["--platform", f"{label}=-self-hosted"]
        for action in sorted(set(_USES.findall(text))):
            stand_in = self.root / "actions" / action.split("@")[0].split("/")[1]
            command += ["--local-repository", f"{action}={stand_in}"]
        command += ["--secret-file", str(self.root / "secrets")]
        command += ["--var", "HOMEBREW_TAP=owner/homebrew-tap"]
        environment = {
            "PATH": f"{self.root / 'bin'}{os.pathsep}/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root / "tmp"),
        }
        inside = {
            "ASKED": str(asked),
            "ARTIFACTS": str(self.root / "artifacts"),
            "REAL_PYTHON": sys.executable,
            **extra,
        }
        command += [part for name in inside for part in ("--env", f"{name}={inside[name]}")]
        done = subprocess.run(
            command,
            cwd=self.repository,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        return Run(done.returncode, done.stdout, _lines(asked), _results(done.stdout))


def act_program() -> Path | None:
    """act, where there is one for this machine."""
    found = shutil.which("act", path=sysconfig.get_path("scripts"))
    return Path(found) if found else None


def stage(root: Path, changelog: str = CHANGELOG) -> Staging:
    """Make the repository and the stand-ins."""
    repository = root / "repository"
    gh = install_fake_gh(root / "bin")
    (root / "secrets").write_text(SECRETS)
    for folder in ("home", "tmp", "artifacts", "cache"):
        (root / folder).mkdir()
    for name, script in _PROGRAMS.items():
        (gh / name).write_text(f"#!/bin/sh\n{script}\n")
        (gh / name).chmod(0o755)
    for name, script in _ACTIONS.items():
        action = root / "actions" / name
        action.mkdir(parents=True)
        (action / "action.yml").write_text(_ACTION.format(script="\n      " + script.strip()))
    files = {
        ".github/workflows/release.yml": (ROOT / ".github/workflows/release.yml").read_text(),
        ".github/workflows/ci.yml": _CI,
        "Makefile": _MAKEFILE,
        "CHANGELOG.md": changelog,
        "cco/__init__.py": "",
        "build/release/sbom.py": _SBOM,
        "installers/install.sh": "#!/bin/sh\n",
        "installers/install.ps1": "# installs\n",
        ".gitignore": "/dist/\n/.venv/\n",
    }
    for source in ("cco/build_info.py", "cco/errors.py"):
        files[source] = (ROOT / source).read_text()
    for name in _RELEASE:
        files[f"build/release/{name}.py"] = (ROOT / f"build/release/{name}.py").read_text()
    for name in ("freeze", "platforms/linux", "pack", "macos/sign", "release/smoke"):
        freezes = name in ("freeze", "platforms/linux")
        text = _BUILDER.format(name=name, freezes=freezes, version=VERSION)
        files[f"build/{name}.py"] = text
    for path, text in files.items():
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_text(text)
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["remote", "add", "origin", "https://github.com/owner/cco"],
        ["add", "--all"],
        ["commit", "--quiet", "--message=a release"],
        ["tag", TAG],
    ):
        _git(repository, *command)
    return Staging(root, FakeGh(gh))


def _git(repository: Path, *arguments: str) -> None:
    program = shutil.which("git")
    assert program is not None
    identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.org"]
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null"}
    subprocess.run([program, *identity, *arguments], cwd=repository, env=environment, check=True)


def _lines(path: Path) -> list[Any]:
    return [
        json.loads(line) if line.startswith("[") else line for line in path.read_text().splitlines()
    ]


def _results(log: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in log.splitlines():
        entry = json.loads(line) if line.startswith("{") else {}
        if "jobResult" in entry:
            found[entry["job"].split("/")[-1].strip()] = entry["jobResult"]
    return found

"""The winget manifests, against the published schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pack
import pytest
import yaml
from packing.template import render
from release.names import RELEASES

from cco.build_info import VERSION

SCHEMAS = Path(__file__).parent / "winget_schemas"
ARCHIVE = f"cco-{VERSION}-windows-x86_64.zip"
SHA256 = "ab" * 32


@pytest.fixture
def documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """By the manifest's type."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    sums = tmp_path / "SHA256SUMS"
    sums.write_text(f"{SHA256}  {ARCHIVE}\n")
    assert pack.main(["winget", "--checksums", str(sums), "--out", str(tmp_path / "out")]) == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [
        "cco-dev.cco.installer.yaml",
        "cco-dev.cco.locale.en-US.yaml",
        "cco-dev.cco.yaml",
    ]
    loaded = [yaml.safe_load((tmp_path / "out" / name).read_text()) for name in names]
    return {document["ManifestType"]: document for document in loaded}


def schema(kind: str) -> Any:
    return json.loads((SCHEMAS / f"manifest.{kind}.1.12.0.json").read_text())


@pytest.mark.parametrize("kind", ["version", "installer", "defaultLocale"])
def test_a_manifest_is_valid(documents: dict[str, Any], kind: str) -> None:
    validator = jsonschema.Draft7Validator(schema(kind))
    assert list(validator.iter_errors(documents[kind])) == []
    without = {name: value for name, value in documents[kind].items() if name != "ManifestVersion"}
    assert list(validator.iter_errors(without)) != []
    unknown = set(documents[kind]) - set(schema(kind)["properties"])
    assert not unknown


def test_it_is_one_package(documents: dict[str, Any]) -> None:
    for document in documents.values():
        assert document["PackageIdentifier"] == "cco-dev.cco"
        assert document["PackageVersion"] == VERSION
        assert document["ManifestVersion"] == "1.12.0"
    assert documents["version"]["DefaultLocale"] == documents["defaultLocale"]["PackageLocale"]


def test_the_installer_is_the_archives_program(documents: dict[str, Any]) -> None:
    installer = documents["installer"]
    (only,) = installer["Installers"]
    assert only["InstallerUrl"] == f"{RELEASES}/download/v{VERSION}/{ARCHIVE}"
    assert only["InstallerSha256"] == SHA256.upper()
    (nested,) = installer["NestedInstallerFiles"]
    assert nested["RelativeFilePath"] == f"cco-{VERSION}-windows-x86_64\\cco.exe"
    assert installer["ReleaseDate"] == "2023-11-14"


def test_a_template_and_its_values_must_fit() -> None:
    from release.errors import ReleaseError

    with pytest.raises(ReleaseError, match="VERSION"):
        render("winget/cco.yaml.in", {"IDENTIFIER": "x"})
    with pytest.raises(ReleaseError, match="EXTRA"):
        render("winget/cco.yaml.in", {"IDENTIFIER": "x", "VERSION": "1", "EXTRA": "y"})

"""The list of parts of an artefact (SBOM), as CycloneDX 1.6 JSON beside it.

    python build/release/sbom.py ARTEFACT...              writes ARTEFACT.cdx.json
    python build/release/sbom.py --as FILE IMAGE...       for an image of a single file, read that

What is listed is what the artefact's own bytes hold. Run it with the environment that froze the
program: names and licences come from the installed distributions, which must be the pinned ones.
Equal artefacts of one commit give equal lists.
"""

from __future__ import annotations

import argparse
import sys
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "build")]

from cyclonedx.contrib.license.factories import LicenseFactory  # noqa: E402
from cyclonedx.contrib.this.builders import this_component  # noqa: E402
from cyclonedx.model import HashAlgorithm, HashType, Property  # noqa: E402
from cyclonedx.model.bom import Bom  # noqa: E402
from cyclonedx.model.component import Component, ComponentType  # noqa: E402
from cyclonedx.model.component_evidence import ComponentEvidence, Occurrence  # noqa: E402
from cyclonedx.output.json import JsonV1Dot6  # noqa: E402
from cyclonedx.schema import SchemaVersion  # noqa: E402
from cyclonedx.validation.json import JsonStrictValidator  # noqa: E402
from freezing.identity import identify  # noqa: E402
from packageurl import PackageURL  # noqa: E402

from cco.build_info import VERSION  # noqa: E402
from release import checksums  # noqa: E402
from release.contents import read_contents  # noqa: E402
from release.errors import ReleaseError, run  # noqa: E402
from release.names import PARTS_SUFFIX  # noqa: E402
from release.parts import Part, parts_of  # noqa: E402

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_OID, "cco release artefact")
_MAX_ERROR_CHARS = 400


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Shapes: -> exit status, 0 or 1.
    """
    parser = argparse.ArgumentParser(description="Write the list of parts of artefacts.")
    parser.add_argument(
        "--as", dest="alike", type=Path, metavar="FILE", help="look into this file instead"
    )
    parser.add_argument("artefact", type=Path, nargs="+")
    options = parser.parse_args(arguments)

    def work() -> None:
        time_s = identify(ROOT).time_s
        for artefact in options.artefact:
            parts = parts_of(read_contents(options.alike or artefact))
            text = describe(artefact.name, checksums.digest_of(artefact), parts, time_s=time_s)
            target = artefact.with_name(artefact.name + PARTS_SUFFIX)
            target.write_text(text, encoding="utf-8", newline="\n")
            print(f"sbom: {target}: {len(parts)} parts", file=sys.stderr)

    return run("sbom", work)


def describe(name: str, sha256: str, parts: Iterable[Part], *, time_s: int) -> str:
    """Write one list of parts.

    Shapes: sha256 64 hex, of the artefact; -> JSON.
    Raises: ReleaseError if it does not follow the official schema.
    """
    program = Component(
        name="cco",
        version=VERSION,
        type=ComponentType.APPLICATION,
        bom_ref=f"pkg:generic/cco@{VERSION}",
        purl=PackageURL("generic", None, "cco", VERSION),
        licenses=[LicenseFactory().make_from_string("MIT")],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)],
        properties=[Property(name="cco:artefact", value=name)],
    )
    bom = Bom(serial_number=uuid.uuid5(_NAMESPACE, sha256))
    bom.metadata.component = program
    bom.metadata.timestamp = datetime.fromtimestamp(time_s, UTC)
    bom.metadata.tools.components.add(this_component())
    components = {part: _component(part) for part in parts}
    by_name = {part.name: component for part, component in components.items()}
    for part, component in components.items():
        bom.components.add(component)
        bom.register_dependency(program, [component])
        needs = [by_name[name] for name in part.needs if name in by_name]
        bom.register_dependency(component, needs)
    text = str(JsonV1Dot6(bom).output_as_string(indent=2)) + "\n"
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if problem is not None:
        raise ReleaseError(f"{name}: not CycloneDX 1.6: {str(problem)[:_MAX_ERROR_CHARS]}")
    return text


def _component(part: Part, within: str = "") -> Component:
    url = PackageURL(part.kind, None, part.name, part.version)
    reference = within + url.to_string() + (f"#{part.files[0]}" if part.sha256 else "")
    return Component(
        name=part.name,
        version=part.version,
        type=ComponentType.LIBRARY,
        bom_ref=reference,
        purl=url,
        licenses=[LicenseFactory().make_from_string(part.licence)] if part.licence else (),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=part.sha256)] if part.sha256 else (),
        components=[_component(held, f"{reference}/") for held in part.holds],
        evidence=ComponentEvidence(
            occurrences=[
                Occurrence(bom_ref=f"{reference}@{file}", location=file) for file in part.files
            ]
        )
        if part.files
        else None,
    )


if __name__ == "__main__":
    raise SystemExit(main())

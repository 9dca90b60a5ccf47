"""What surrounds cco: the temp folder, the clock, the terminal's locale."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from cco.sealing import names
from tests.conftest import Sandbox
from tests.integration.doctor.conftest import OLD_S, examined, found


def test_a_shared_folder_without_a_sticky_bit(source_sandbox: Sandbox, client: Path) -> None:
    source_sandbox.temp.chmod(0o777)
    avoided = found(examined(source_sandbox, client), "temp.folder")
    assert avoided["state"] == "note"
    assert f"other users can replace what is in {source_sandbox.temp}" in avoided["detail"]
    source_sandbox.temp.chmod(0o1777)
    document = examined(source_sandbox, client)
    assert [found(document, name)["state"] for name in ("temp.folder", "temp.shared")] == ["ok"] * 2
    source_sandbox.temp.chmod(0o700)


def test_files_from_the_future(source_sandbox: Sandbox, client: Path) -> None:
    source_sandbox.ok("daemon", "start")
    later = time.time() + OLD_S
    os.utime(source_sandbox.temp / names.BRIDGE, (later, later))
    finding = found(examined(source_sandbox, client), "clock.files")
    assert finding["state"] == "note"
    assert re.search(r"3[56]\d\d s in the future", finding["detail"])


def test_a_locale_that_is_not_utf8(source_sandbox: Sandbox, client: Path) -> None:
    document = examined(source_sandbox, client, env={"LC_ALL": "de_DE.ISO-8859-1"})
    assert found(document, "terminal.encoding")["state"] == "note"
    document = examined(source_sandbox, client, env={"LC_ALL": "C"})
    assert found(document, "terminal.encoding")["state"] == "ok"

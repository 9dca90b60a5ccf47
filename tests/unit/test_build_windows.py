"""What is put together for Windows without being there. (What comes of it: tests/windows.)"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any, TypeGuard
from xml.etree import ElementTree

import pytest
from freezing import launcher, windows_resources
from freezing.errors import FreezeError
from freezing.target import Native, is_windows, program_name

LOCK = """plain==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via something
there==2.0 ; sys_platform == 'win32' \\
    --hash=sha256:cc
elsewhere==3.0 ; sys_platform == 'darwin' \\
    --hash=sha256:dd
both==4.0 ; platform_python_implementation != 'PyPy' and python_full_version < '3.14' \\
    --hash=sha256:ee
ruff==5.0 \\
    --hash=sha256:ff
"""


@pytest.mark.skipif(sys.platform == "win32", reason="for other systems")
def test_a_lock_is_read_as_windows_would() -> None:
    from windows.python import for_windows

    assert list(for_windows(LOCK)) == [
        "plain==1.0 --hash=sha256:aa --hash=sha256:bb\n",
        "there==2.0 --hash=sha256:cc\n",
        "both==4.0 --hash=sha256:ee\n",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="for other systems")
def test_paths_are_on_the_drive_of_this_machine(tmp_path: Path) -> None:
    from windows.wine import path

    assert path(tmp_path / "a b") == "Z:" + str(tmp_path).replace("/", "\\") + "\\a b"


def compiler_for(target: str, path: Path) -> str:
    """A program that answers as a compiler for this target does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\n[ "$1" = -dumpmachine ] && echo {target}\n')
    path.chmod(0o755)
    return str(path)


@pytest.mark.skipif(sys.platform == "win32", reason="the compilers are shell scripts")
def test_mingw_is_found_where_it_usually_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    folders = [tmp_path / "none", tmp_path / "first", tmp_path / "second"]
    with pytest.raises(FreezeError, match="no C compiler: w64-gcc") as missing:
        launcher.mingw("w64-gcc", folders)
    assert "bin folder on PATH" in missing.value.advice
    found = compiler_for("x86_64-w64-mingw32", folders[1] / "w64-gcc.exe")
    compiler_for("x86_64-w64-mingw32", folders[2] / "w64-gcc.exe")
    assert launcher.mingw("w64-gcc", folders) == [found]
    compiler_for("x86_64-pc-msys", tmp_path / "bin" / "w64-gcc")  # MSYS2's own, first on PATH
    with pytest.raises(FreezeError, match="compiles for x86_64-pc-msys"):
        launcher.mingw("w64-gcc", folders)
    clang = compiler_for("x86_64-w64-windows-gnu", tmp_path / "clang")
    monkeypatch.setenv("CC", clang)
    assert launcher.mingw("w64-gcc", folders) == [clang]


def test_the_manifest_is_xml_with_what_it_is_for() -> None:
    root = ElementTree.fromstring(windows_resources.manifest())
    texts = {element.tag.partition("}")[2]: element.text for element in root.iter()}
    assert texts["activeCodePage"] == "UTF-8"
    assert texts["longPathAware"] == "true"
    levels = [element.get("level") for element in root.iter() if element.get("level")]
    assert levels == ["asInvoker"]


def test_both_resources_say_the_same() -> None:
    script = windows_resources.resource_script("1.2.3", "0123456789abcdef", "manifest.xml")
    info = windows_resources.version_info("1.2.3", "0123456789abcdef")
    assert "FILEVERSION 1,2,3,0" in script
    assert "filevers=(1, 2, 3, 0)" in info
    for text in ("Claude Code Orchestrator", "1.2.3 (0123456789abcdef)"):
        assert text in script
        assert text in info


def test_the_program_info_is_an_expression_as_pyinstaller_reads_it() -> None:
    text = windows_resources.version_info("1.2.3", "id")
    called = {node.func.id for node in ast.walk(ast.parse(text, mode="eval")) if is_call(node)}
    kinds = "FixedFileInfo StringFileInfo StringStruct StringTable VarFileInfo VarStruct"
    assert called == {"VSVersionInfo", *kinds.split()}


def is_call(node: ast.AST) -> TypeGuard[Any]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def test_this_system_is_a_target() -> None:
    target = Native()
    assert is_windows(target) == (sys.platform == "win32")
    assert program_name(target) == ("cco.exe" if sys.platform == "win32" else "cco")
    done = target.run_python(["-c", "import os; print(os.environ['WORD'])"], {"WORD": "heard"})
    assert done.stdout.strip() == "heard"

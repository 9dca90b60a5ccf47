"""What Windows shows and reads of a program's file: version resource and manifest."""

from __future__ import annotations

_FACTS = {
    "CompanyName": "The cco project",
    "FileDescription": "Claude Code Orchestrator",
    "InternalName": "cco",
    "LegalCopyright": "MIT licence",
    "OriginalFilename": "cco.exe",
    "ProductName": "cco",
}
_LANGUAGE = "040904B0"  # English (United States), Unicode
_MANIFEST = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<assembly xmlns="urn:schemas-microsoft-com:asm.v1" manifestVersion="1.0">
  <trustInfo xmlns="urn:schemas-microsoft-com:asm.v3">
    <security>
      <requestedPrivileges>
        <requestedExecutionLevel level="asInvoker" uiAccess="false"/>
      </requestedPrivileges>
    </security>
  </trustInfo>
  <compatibility xmlns="urn:schemas-microsoft-com:compatibility.v1">
    <application>
      <supportedOS Id="{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}"/>
    </application>
  </compatibility>
  <application xmlns="urn:schemas-microsoft-com:asm.v3">
    <windowsSettings>
      <activeCodePage xmlns="http://schemas.microsoft.com/SMI/2019/WindowsSettings"
        >UTF-8</activeCodePage>
      <longPathAware xmlns="http://schemas.microsoft.com/SMI/2016/WindowsSettings"
        >true</longPathAware>
    </windowsSettings>
  </application>
</assembly>
"""


def manifest() -> str:
    """The application manifest: no elevation, UTF-8 as code page, paths longer than 260."""
    return _MANIFEST


def resource_script(version: str, build_id: str, manifest_file: str) -> str:
    """The resources of the launcher, in the language of resource compilers.

    Shapes: version such as `0.1.0`.
    """
    numbers = ",".join(map(str, _numbers(version)))
    lines = [
        "#include <winver.h>",
        f'1 24 "{manifest_file}"',  # CREATEPROCESS_MANIFEST_RESOURCE_ID RT_MANIFEST
        "VS_VERSION_INFO VERSIONINFO",
        f"FILEVERSION {numbers}",
        f"PRODUCTVERSION {numbers}",
        "FILEFLAGSMASK VS_FFI_FILEFLAGSMASK",
        "FILEFLAGS 0",
        "FILEOS VOS_NT_WINDOWS32",
        "FILETYPE VFT_APP",
        "BEGIN",
        'BLOCK "StringFileInfo" BEGIN',
        f'BLOCK "{_LANGUAGE}" BEGIN',
        *(f'VALUE "{name}", "{value}"' for name, value in _texts(version, build_id)),
        "END",
        "END",
        'BLOCK "VarFileInfo" BEGIN',
        'VALUE "Translation", 0x0409, 0x04B0',
        "END",
        "END",
    ]
    return "\n".join(lines) + "\n"


def version_info(version: str, build_id: str) -> str:
    """The version resource of the program inside, in the form that PyInstaller reads."""
    texts = ", ".join(
        f"StringStruct({name!r}, {value!r})" for name, value in _texts(version, build_id)
    )
    return (
        "VSVersionInfo(\n"
        f"  ffi=FixedFileInfo(filevers={_numbers(version)}, prodvers={_numbers(version)},"
        " OS=0x40004, fileType=1),\n"
        f"  kids=[StringFileInfo([StringTable({_LANGUAGE!r}, [{texts}])]),\n"
        "    VarFileInfo([VarStruct('Translation', [0x0409, 0x04B0])])])\n"
    )


def _texts(version: str, build_id: str) -> list[tuple[str, str]]:
    texts = {**_FACTS, "FileVersion": version, "ProductVersion": f"{version} ({build_id})"}
    return sorted(texts.items())


def _numbers(version: str) -> tuple[int, int, int, int]:
    major, minor, patch = (int(part) for part in version.split(".")[:3])
    return major, minor, patch, 0

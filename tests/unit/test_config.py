"""The settings, by file and by variable."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from cco.config import Config, load_config
from cco.errors import ConfigInvalid


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def load(config_file: Path, text: str, **variables: str) -> Config:
    config_file.write_text(text)
    return load_config({"CCO_CONFIG": str(config_file), **variables})


def test_defaults(config_file: Path) -> None:
    assert load(config_file, "") == Config(port=3000, claude=None, status_line=True)


def test_a_variable_goes_before_the_file_before_the_default(config_file: Path) -> None:
    text = 'port = 4000\nclaude = "/opt/claude"\nstatus_line = false\n'
    assert load(config_file, text) == Config(4000, "/opt/claude", status_line=False)
    config = load(config_file, text, CCO_PORT="5000", CCO_CLAUDE="x", CCO_STATUS_LINE="true")
    assert config == Config(5000, "x", status_line=True)
    assert load(config_file, text, CCO_PORT="", CCO_CLAUDE="").port == 4000


@pytest.mark.parametrize("text", ["1", "true", "TRUE", "0", "false", "False"])
def test_words_for_yes_and_no(config_file: Path, text: str) -> None:
    config = load(config_file, "", CCO_STATUS_LINE=text)
    assert config.status_line is (text.lower() in ("1", "true"))


@pytest.mark.parametrize("port", ["1", "65535", "08080"])
def test_ports(config_file: Path, port: str) -> None:
    assert load(config_file, "", CCO_PORT=port).port == int(port)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CCO_PORT", "0"),
        ("CCO_PORT", "65536"),
        ("CCO_PORT", "-1"),
        ("CCO_PORT", "3e3"),
        ("CCO_PORT", "²"),
        ("CCO_PORT", "9" * 5000),
        ("CCO_STATUS_LINE", "perhaps"),
    ],
)
def test_a_bad_variable_is_named(config_file: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigInvalid, match=f"^{name}: "):
        load(config_file, "", **{name: value})


@pytest.mark.parametrize(
    "text",
    ["port = 0", "port = 65536", 'port = "80"', "port = true", "port = 1.5", "claude = ''",
     "claude = 5", 'claude = "a\\u0000b"', 'status_line = "true"', "unknown = 1", "port", "[port]",
     "x = " + "[" * 100_000],
    ids=range(13),
)  # fmt: skip
def test_a_bad_file_is_named(config_file: Path, text: str) -> None:
    with pytest.raises(ConfigInvalid) as error:
        load(config_file, text)
    assert str(config_file) in str(error.value)
    assert error.value.exit_code == 10


def test_a_misspelt_setting_is_told_how_it_is_spelt(config_file: Path) -> None:
    for text, told in (("prot = 1", "; did you mean 'port'?"), ("zzz = 1", "'zzz'")):
        with pytest.raises(ConfigInvalid) as error:
            load(config_file, text)
        assert str(error.value).endswith(told)


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path, tmp_path / "absent/config.toml"):
        with pytest.raises(ConfigInvalid, match=str(path)):
            load_config({"CCO_CONFIG": str(path)})


@pytest.mark.parametrize("home", ["/proc/nowhere", "/dev/null"])
def test_a_usual_file_that_cannot_be_there_is_absent(
    home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform == "win32":
        pytest.skip("homes are elsewhere there")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", home)
    assert load_config({}) == Config()


@pytest.mark.parametrize(
    "text",
    ["port = " + "1" * 5_000, "port = 0x" + "f" * 5_000, "[budget]\nday = 0x" + "f" * 5_000,
     "hints = 0x" + "f" * 5_000],
)  # fmt: skip
def test_what_is_too_long_is_refused_in_few_words(tmp_path: Path, text: str) -> None:
    """Python writes and reads no decimal number of more than 4,300 digits."""
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigInvalid, match=re.escape(str(path))) as caught:
        load_config({"CCO_CONFIG": str(path)})
    assert len(str(caught.value)) < 300

"""The completions at work in the shells that they are for, as a person types at a terminal."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

import pytest

pytest.importorskip("pty")

from pictures.terminal import Terminal

from tests.installers.conftest import Box

HOMES = {
    "bash": (".bashrc", '. "$HOME/.local/share/bash-completion/completions/cco"'),
    "zsh": (
        ".zshrc",
        'fpath=("$HOME/.local/share/zsh/site-functions" $fpath)\nautoload -U compinit\ncompinit -D',
    ),
    "fish": (".config/fish/config.fish", "set -g fish_greeting ''"),
}
"""Where each shell looks when it starts, and what docs/install.md says must stand there."""
EVALS = {
    "bash": 'eval "$(cco completion bash)"',
    "zsh": 'eval "$(cco completion zsh)"',
    "fish": "cco completion fish | source",
}
"""What the help of `cco completion` says for a shell without an installation."""
SHELLS = [
    pytest.param(shell, marks=pytest.mark.skipif(shutil.which(shell) is None, reason=f"no {shell}"))
    for shell in HOMES
]


def open_shell(box: Box, shell: str, start_up: Sequence[str]) -> Terminal:
    """A shell at its prompt, its start-up file as it is given."""
    path = box.home / HOMES[shell][0]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*start_up, "export PS1='ready> '; echo begin", ""]))
    program = shutil.which(shell)
    assert program is not None
    env = box.environment(
        PATH=f"{box.installed.parent}:/usr/bin:/bin", TERM="xterm", LC_ALL="C.UTF-8"
    )
    return Terminal([os.path.realpath(program), "-i"], env, box.project)


def assert_completes(box: Box, terminal: Terminal) -> None:
    with terminal:
        terminal.wait_for("begin")
        terminal.type("cco daem\t")
        terminal.wait_for("cco daemon")
        terminal.type("stat\t")
        terminal.wait_for("cco daemon status")
        terminal.type("--js\t")
        terminal.wait_for("cco daemon status --json")
        terminal.type("\x15exit\r")
        terminal.wait_for_exit()
    assert box.leftovers() == []


@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_installed_completes(box: Box, shell: str) -> None:
    box.ok("install", env=box.environment())
    assert_completes(box, open_shell(box, shell, HOMES[shell][1:]))


@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_printed_completes(box: Box, shell: str) -> None:
    box.installed.parent.mkdir(parents=True)
    box.installed.symlink_to(box.command[0])
    start_up = ["autoload -U compinit", "compinit -D"] if shell == "zsh" else []
    assert_completes(box, open_shell(box, shell, [*start_up, EVALS[shell]]))

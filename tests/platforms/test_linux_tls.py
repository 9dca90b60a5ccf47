"""The OpenSSL that the portable program brings: which one, and whom it trusts on whose system."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from platforms import compiled, linux, rootfs
from platforms.machine import Bind, Machine
from release.contents import read_contents
from release.libraries import OPENSSL_VERSION
from release.parts import parts_of

from tests.certificate import self_signed
from tests.conftest import wait_until
from tests.platforms.conftest import program
from tests.platforms.place import HOME, Place, place_on
from tests.platforms.test_linux_contents import members

_SSL = "_internal/python3.11/lib-dynload/_ssl."


@pytest.mark.parametrize("machine", sorted(linux.ARCHITECTURES))
def test_it_is_the_supported_one_and_no_other_is_there(machine: str) -> None:
    whole = members(program(f"cco-linux-{machine}").read_bytes())
    assert not [name for name in whole if "libssl" in name or "libcrypto" in name]
    told = {
        name: {version.decode() for version in OPENSSL_VERSION.findall(data)}
        for name, data in whole.items()
    }
    assert b"OpenSSL 1." not in b"".join(whole.values())
    (own,) = (name for name in whole if name.startswith(_SSL))
    assert told.pop(own) == {compiled.openssl_version()}
    rest = {name: versions for name, versions in told.items() if versions}
    assert [Path(name).name for name in rest] == ["_rust.abi3.so"]  # cryptography brings its own


@pytest.mark.parametrize("machine", sorted(linux.ARCHITECTURES))
def test_python_says_the_same_of_it(machine: str, tmp_path: Path) -> None:
    """The program's very module, loaded by the interpreter that it was made for."""
    whole = members(program(f"cco-linux-{machine}").read_bytes())
    module = tmp_path / "_ssl.so"
    module.write_bytes(next(data for name, data in whole.items() if name.startswith(_SSL)))
    architecture = linux.ARCHITECTURES[machine]
    python = compiled.python(architecture)
    code = "import ssl, _ssl; print(_ssl.__file__); print(ssl.OPENSSL_VERSION)"
    binds = [Bind(python, "/opt/python"), Bind(tmp_path, "/opt/module")]
    with Machine(rootfs.make(compiled.SUITE, architecture), binds=binds) as inside:
        inside.ok("ldconfig", "/opt/python/lib")
        told = inside.ok(
            *("/opt/python/bin/python3.11", "-c", code), env={"PYTHONPATH": "/opt/module"}
        )
    file, version = told.splitlines()
    assert file == "/opt/module/_ssl.so"
    assert version.startswith(f"OpenSSL {compiled.openssl_version()} ")


@pytest.mark.parametrize("machine", sorted(linux.ARCHITECTURES))
def test_the_list_of_parts_names_it(machine: str) -> None:
    parts = parts_of(read_contents(program(f"cco-linux-{machine}")))
    (part,) = (part for part in parts if part.name == "openssl")
    assert part.version == compiled.openssl_version()
    assert part.licence == "Apache-2.0"
    assert [file for file in part.files if not file.startswith(_SSL)] == []


# --- whom it trusts ---

_COLLECTOR = """
import http.server, ssl, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        print(self.path, flush=True)
    def log_message(self, *arguments):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1])
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
"""
_POST = r"""
exec 3<> /dev/tcp/127.0.0.1/${ORCHESTRATOR_API_URL##*:}
printf 'POST /v1/logs HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n' \
    "${ORCHESTRATOR_API_URL#*//}" "$CCO_TOKEN" >&3
printf 'Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}' >&3
cat <&3
"""


@contextmanager
def collector_in(machine: Machine, certificate: Path) -> Iterator[tuple[int, Path]]:
    """A collector on the machine's loopback, run by this very interpreter from outside.

    Shapes: -> port, and file that gets a line for each body.
    """
    told = certificate.with_name("told")
    with told.open("wb") as out:
        process = subprocess.Popen(
            [
                *("nsenter", f"--target={machine.init_pid}", "--net", "--"),
                *(sys.executable, "-c", _COLLECTOR, str(certificate)),
            ],
            stdout=out,
        )
    try:
        wait_until(lambda: told.read_text().endswith("\n"), "the collector")
        yield int(told.read_text()), told
    finally:
        process.kill()
        process.wait()


def _put(place: Place, path: str, certificate: Path) -> None:
    target = place.machine.path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    pem = certificate.read_text().partition("-----BEGIN PRIVATE")[0]
    target.write_text(pem)
    target.chmod(0o644)


def _index_name(certificate: Path) -> str:
    """The name by which OpenSSL finds a certificate in a folder."""
    command = ["openssl", "x509", "-noout", "-hash", "-in", str(certificate)]
    return subprocess.check_output(command, text=True).strip() + ".0"


def _debian(place: Place, certificate: Path) -> None:
    _put(place, "/etc/ssl/certs/ca-certificates.crt", certificate)
    _put(place, f"/etc/ssl/certs/{_index_name(certificate)}", certificate)


def _a_folder_with_an_index(place: Place, certificate: Path) -> None:
    _put(place, f"/etc/ssl/certs/{_index_name(certificate)}", certificate)


def _rhel(place: Place, certificate: Path) -> None:
    _put(place, "/etc/pki/tls/certs/ca-bundle.crt", certificate)
    shutil.rmtree(place.machine.path("/etc/ssl/certs"), ignore_errors=True)
    place.machine.path("/etc/ssl").mkdir(exist_ok=True)
    place.machine.path("/etc/ssl/certs").symlink_to("../pki/tls/certs")


def _suse(place: Place, certificate: Path) -> None:
    _put(place, "/var/lib/ca-certificates/ca-bundle.pem", certificate)
    place.machine.path("/etc/ssl").mkdir(exist_ok=True)
    bundle = place.machine.path("/etc/ssl/ca-bundle.pem")
    bundle.symlink_to("../../var/lib/ca-certificates/ca-bundle.pem")


def _alpine(place: Place, certificate: Path) -> None:
    _put(place, "/etc/ssl/cert.pem", certificate)


def _users_own_file(place: Place, certificate: Path) -> None:
    _put(place, f"{HOME}/mine.pem", certificate)


def _users_own_folder(place: Place, certificate: Path) -> None:
    _put(place, f"{HOME}/mine/{_index_name(certificate)}", certificate)


def _nobody(place: Place, certificate: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("keep", "env", "trusted"),
    [
        (_debian, {}, True),
        (_a_folder_with_an_index, {}, True),
        (_rhel, {}, True),
        (_suse, {}, True),
        (_alpine, {}, True),
        (_users_own_file, {"SSL_CERT_FILE": f"{HOME}/mine.pem"}, True),
        (_users_own_folder, {"SSL_CERT_DIR": f"{HOME}/mine"}, True),
        (_nobody, {}, False),
    ],
    ids=lambda value: value.__name__[1:] if callable(value) else None,
)
def test_https_trusts_whom_the_system_trusts(
    keep: Callable[[Place, Path], None],
    env: dict[str, str],
    trusted: bool,
    bookworm: Path,
    tmp_path: Path,
) -> None:
    certificate = self_signed(tmp_path / "certificate.pem")
    with (
        place_on(bookworm, program("cco-linux-x86_64"), machine_id=True) as place,
        collector_in(place.machine, certificate) as (port, told),
    ):
        keep(place, certificate)
        settings = f'[forward]\nurl = "https://127.0.0.1:{port}"\n'
        place.shell(f"mkdir -p .config/cco && cat > .config/cco/config.toml <<< '{settings}'")
        place.add_fake_claude()
        assert place.run("-p", "hi", env=env).code == 42
        given = dict(line.split("=", 1) for line in place.noted("environ") if "=" in line)
        passed = {name: given[name] for name in ("ORCHESTRATOR_API_URL", "CCO_TOKEN")}
        answer = place.machine.ok("bash", "-c", _POST, user=place.user, env=passed)
        assert answer.startswith("HTTP/1.1 200 "), answer
        log = place.machine.path(f"{HOME}/.local/state/cco")

        def outcome() -> str | None:
            if told.read_text().endswith("/v1/logs\n"):
                return "delivered"
            text = "".join(path.read_text() for path in log.glob("*.log"))
            return "refused" if ssl.SSLCertVerificationError.__name__ in text else None

        wait_until(outcome, "delivery or refusal")
        assert outcome() == ("delivered" if trusted else "refused")
        place.ok("daemon", "stop")

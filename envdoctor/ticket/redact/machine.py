"""The literals of the machine that writes the ticket, read from its files; nothing is asked of the network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from envdoctor.ticket.redact.literal import Literal

_CAP = 262_144
_USER_VARIABLES = ("USER", "LOGNAME", "USERNAME", "SUDO_USER", "NB_USER")
_HOST_VARIABLES = ("HOSTNAME", "COMPUTERNAME", "NODE_NAME", "POD_NAME", "SLURMD_NODENAME")
_DOMAIN_VARIABLES = ("USERDNSDOMAIN", "USERDOMAIN")
_NOT_A_CARD = {"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"}


def _read(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(_CAP).decode("utf-8", "replace")
    except OSError:
        return ""


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())[:256]
    except OSError:
        return []


def _accounts(root: Path, environ: Mapping[str, str], uid: int | None) -> Iterator[Literal]:
    for name in _USER_VARIABLES:
        yield Literal(kind="user", value=environ.get(name, ""))
    for name in ("HOME", "USERPROFILE"):
        yield Literal(kind="home", value=environ.get(name, ""))
    for line in _read(root / "etc/passwd").splitlines():
        fields = line.split(":")
        if len(fields) < 7 or not fields[2].isdigit():
            continue
        number = int(fields[2])
        if number != uid and not 1000 <= number < 60_000:
            continue
        yield Literal(kind="user", value=fields[0])
        yield Literal(kind="home", value=fields[5])
        yield Literal(kind="user", value=fields[4].split(",")[0])  # the person's name
    for folder in (root / "home", root / "mnt/c/Users"):
        for child in _children(folder):
            if child.name not in {"Public", "Default", "All Users", "Default User", "desktop.ini", "lost+found"}:
                yield Literal(kind="user", value=child.name)
    for line in _read(Path(str(root / environ.get("HOME", "").lstrip("/"))) / ".gitconfig").splitlines():
        match = re.match(r"\s*(name|email)\s*=\s*(.+)", line)
        if match:
            yield Literal(kind="user" if match.group(1) == "name" else "email", value=match.group(2).strip().strip('"'))


def _names(root: Path, environ: Mapping[str, str]) -> Iterator[Literal]:
    found = [environ.get(name, "") for name in _HOST_VARIABLES]
    found += [_read(root / "etc/hostname").strip(), _read(root / "proc/sys/kernel/hostname").strip()]
    for line in _read(root / "etc/hosts").splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if address.startswith(("127.0.1.", "10.", "192.168.", "172.")):
            found += names
    for name in found:
        short, dot, domain = name.partition(".")
        if dot:
            yield Literal(kind="host", value=name)
            yield Literal(kind="domain", value=domain)
        yield Literal(kind="host", value=short)
    for line in _read(root / "etc/resolv.conf").splitlines():
        words = line.split()
        if words[:1] in (["search"], ["domain"]):
            yield from (Literal(kind="domain", value=word) for word in words[1:] if "." in word.strip("."))
        elif words[:1] == ["nameserver"] and len(words) > 1:
            yield from _address(words[1])
    yield Literal(kind="domain", value=_read(root / "proc/sys/kernel/domainname").strip().replace("(none)", ""))
    yield from (Literal(kind="domain", value=environ.get(name, "")) for name in _DOMAIN_VARIABLES)


def _address(value: str) -> Iterator[Literal]:
    import ipaddress

    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return
    if address.is_loopback or address.is_unspecified or address.is_multicast or value.endswith((".0", ".255")):
        return
    yield Literal(kind="private-ip" if address.is_private else "ip", value=value)


def _addresses(root: Path) -> Iterator[Literal]:
    previous = ""
    for line in _read(root / "proc/net/fib_trie").splitlines():
        if "host LOCAL" in line:
            yield from _address(previous.rsplit(maxsplit=1)[-1] if previous.split() else "")
        previous = line
    for line in _read(root / "proc/net/if_inet6").splitlines():
        digits = line.split()[0] if line.split() else ""
        if len(digits) == 32:
            import ipaddress

            yield from _address(str(ipaddress.IPv6Address(int(digits, 16))))
    for card in _children(root / "sys/class/net"):
        mac = _read(card / "address").strip().lower()
        if len(mac) >= 17 and mac not in _NOT_A_CARD:
            yield Literal(kind="mac", value=mac)


def _hardware(root: Path) -> Iterator[Literal]:
    for name in ("etc/machine-id", "var/lib/dbus/machine-id", "proc/sys/kernel/random/boot_id"):
        yield Literal(kind="machine", value=_read(root / name).strip())
    for name in ("product_serial", "product_uuid", "board_serial", "chassis_serial"):
        value = _read(root / "sys/class/dmi/id" / name).strip()
        if any(c.isdigit() for c in value):
            yield Literal(kind="serial", value=value)
    for card in _children(root / "proc/driver/nvidia/gpus"):
        for line in _read(card / "information").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "GPU UUID" and "?" not in value:
                yield Literal(kind="gpu", value=value.strip())


def machine_literals(
    root: Path = Path("/"),
    environ: Mapping[str, str] | None = None,
    *,
    uid: int | None = None,
    more: Iterable[Literal] = (),
) -> tuple[Literal, ...]:
    """What names this machine, its people and its cards, as its files under `root` and its environment say; deduplicated.

    Reads at most 256 KiB of each file, follows no network name, and takes what cannot be read as absent.
    """
    import os

    environ = os.environ if environ is None else environ
    uid = os.getuid() if uid is None and hasattr(os, "getuid") else uid
    found: dict[tuple[str, str], Literal] = {}
    for source in (_accounts(root, environ, uid), _names(root, environ), _addresses(root), _hardware(root), iter(more)):
        for literal in source:
            if literal.value.strip():
                found.setdefault(
                    (literal.kind, literal.value.strip()), Literal(kind=literal.kind, value=literal.value.strip())
                )
    return tuple(found.values())

"""Where an InfluxDB is and how it is spoken to: `influxdb://host:8086?write=v1&org=…&prefix=…`.

`influxdbs://` is the same over TLS. The URL holds no secret: a password in it is refused, because URLs end
in logs, shell histories and lists of processes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from freqfleet.errors import SettingsError
from freqfleet.store.secret import shown_url

SCHEMES = {"influxdb": False, "influxdbs": True}
DEFAULT_PORT = 8086
_OPTIONS = ("write", "org", "prefix")
_EXAMPLE = "write influxdb://host:8086 or influxdbs://host:8086?write=v2&org=NAME"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluxTarget:
    """One InfluxDB server.

    user : for servers of generation 1 with users; 2 and 3 have tokens only.
    write : `v1` is line protocol to /write, which every generation has; `v2` uses the v2 API.
    prefix : put before every bucket's name, so that two fleets can share a server.
    """

    host: str
    port: int = DEFAULT_PORT
    tls: bool = False
    user: str | None = None
    write: Literal["v1", "v2"] = "v1"
    org: str | None = None
    prefix: str = ""

    @property
    def origin(self) -> str:
        """Return the address without anything secret, `http://host:8086`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    @property
    def description(self) -> str:
        """How messages name the store."""
        return f"learning store InfluxDB at {self.origin}"

    @property
    def readable_on_the_way(self) -> bool:
        """True where a secret would cross a network in clear text."""
        return not self.tls and self.host not in _LOOPBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Buckets:
    """Which bucket (in generation 1: database) holds what. trades : bot -> bucket."""

    trades: Mapping[str, str] = field(default_factory=dict)


def parse_influx_url(text: str) -> InfluxTarget:
    """Read the URL; raises SettingsError with the value and an example."""
    # Of a wrong URL only what cannot be secret is repeated.
    shown = text.split("?", maxsplit=1)[0].rpartition("@")[2]
    try:
        parts = urlsplit(text)
        port = parts.port or DEFAULT_PORT
    except ValueError:
        raise SettingsError(f"[store] url {shown!r} is no address; {_EXAMPLE}") from None
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise SettingsError(f"[store] url {shown!r} names no InfluxDB server; {_EXAMPLE}")
    if parts.password is not None:
        raise SettingsError(
            "[store] url holds a password; take it out and set FREQFLEET_STORE__TOKEN, or [store] token_file"
        )
    if parts.path not in ("", "/"):
        raise SettingsError(
            f"[store] url {shown!r}: no path is expected, was {shown_url(parts.path)}; {_EXAMPLE}"
        )
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in options:
        if name not in _OPTIONS:
            raise SettingsError(f"[store] url: unknown option {name!r}; known: {', '.join(_OPTIONS)}")
    write: Literal["v1", "v2"] = "v2" if options.get("write") == "v2" else "v1"
    if options.get("write", write) != write:
        raise SettingsError(
            f"[store] url: write={options['write']!r} is neither v1 nor v2; give write=v1 or write=v2"
        )
    org = options.get("org") or None
    if write == "v2" and org is None:
        raise SettingsError("[store] url: write=v2 needs the organisation; add &org=NAME")
    prefix = options.get("prefix", "")
    if not all(one.isalnum() or one in "_-." for one in prefix):
        raise SettingsError(
            f"[store] url: prefix {prefix!r} must be letters, digits, _ - or .; give another one"
        )
    return InfluxTarget(
        host=parts.hostname,
        port=port,
        tls=SCHEMES[parts.scheme],
        user=parts.username or None,
        write=write,
        org=org,
        prefix=prefix,
    )

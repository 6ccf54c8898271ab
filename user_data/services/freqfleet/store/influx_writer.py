"""Writing lines: in batches, and around a line the server refuses.

`write=v1` is the server's own /write. `write=v2` goes through influxdb-client, synchronously: its batching
writer drops what it cannot send, and nothing here may be dropped. Its timeout is one per read, so it works
in a thread of its own that is waited for until the deadline.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import SecretStr

from freqfleet.errors import SettingsError
from freqfleet.store.influx_server import InfluxServer, LinesRefused, refuse_lines, said

LINES_PER_WRITE = 5_000

Write = Callable[[str, Sequence[str]], None]


def write_all(write: Write, bucket: str, lines: Sequence[str]) -> dict[int, str]:
    """Store lines; returns those the server refuses, by their place, with its reason.

    A batch with a bad line is stored in part or not at all, depending on the server and on the day. It is
    halved until the bad line stands alone; what is sent twice on the way is the same point twice.
    Raises StoreUnavailable and StoreError as the server does.
    """
    refused: dict[int, str] = {}
    for start in range(0, len(lines), LINES_PER_WRITE):
        _write_part(write, bucket, lines, range(start, min(start + LINES_PER_WRITE, len(lines))), refused)
    return refused


def _write_part(
    write: Write, bucket: str, lines: Sequence[str], part: range, refused: dict[int, str]
) -> None:
    try:
        write(bucket, lines[part.start : part.stop])
    except LinesRefused as error:
        if len(part) == 1:
            refused[part.start] = str(error)
            return
        middle = part.start + len(part) // 2
        _write_part(write, bucket, lines, range(part.start, middle), refused)
        _write_part(write, bucket, lines, range(middle, part.stop), refused)


def v2_writer(server: InfluxServer, secret: SecretStr | None, timeout_seconds: float) -> Write:
    """Return a writer through the v2 API; raises SettingsError where influxdb-client is not installed."""
    try:
        from influxdb_client.client.influxdb_client import InfluxDBClient  # noqa: PLC0415 - an extra
        from influxdb_client.client.write_api import SYNCHRONOUS  # noqa: PLC0415
        from influxdb_client.domain.write_precision import WritePrecision  # noqa: PLC0415
        from influxdb_client.rest import ApiException  # noqa: PLC0415
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - what it lets through
    except ImportError:
        raise SettingsError("write=v2 needs influxdb-client; pip install 'freqfleet[influx]'") from None
    target = server.target
    if secret is None:
        raise SettingsError("write=v2 needs a token; set FREQFLEET_STORE__TOKEN")

    def write(bucket: str, lines: Sequence[str]) -> None:
        client = InfluxDBClient(
            url=target.origin,
            token=secret.get_secret_value(),
            org=target.org or "",
            timeout=int(timeout_seconds * 1000),
            retries=False,  # who calls decides when to try again
        )
        try:
            client.write_api(write_options=SYNCHRONOUS).write(
                bucket=bucket,
                record="\n".join(lines),
                write_precision=WritePrecision.NS,  # type: ignore[arg-type]
            )
        except ApiException as error:
            content = (error.body or b"") if isinstance(error.body, bytes) else str(error.body or "").encode()
            if error.status in (400, 422):
                refuse_lines(said(content))
            headers = {name.lower(): value for name, value in dict(error.headers or {}).items()}
            raise server.fault(error.status or 500, headers, content, bucket) from None
        except (HTTPError, OSError) as error:
            raise server.unreachable(error) from None
        finally:
            client.close()  # type: ignore[no-untyped-call]

    return lambda bucket, lines: _within(timeout_seconds, server, write, (bucket, lines))


def _within(
    seconds: float, server: InfluxServer, call: Callable[..., None], arguments: Sequence[Any]
) -> None:
    """Call in a thread; raises StoreUnavailable where it has not come back in time.

    The thread then ends by itself, at the latest when the server closes the connection; a write that still
    arrives is harmless, because the next try sends the same points.
    """
    outcome: dict[str, BaseException] = {}

    def run() -> None:
        try:
            call(*arguments)
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            outcome["error"] = error

    thread = threading.Thread(target=run, name="freqfleet-influx-write", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise server.unreachable(TimeoutError())
    if "error" in outcome:
        raise outcome["error"]

"""The store's secret: where it may come from, and which ones are none."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from freqfleet.errors import SettingsError

# What examples, images and client libraries fall back to. Compared in lower case.
DEFAULT_SECRETS = frozenset(
    {
        "admin",
        "changeme",
        "default",
        "freqfleet",
        "freqtrade",
        "influxdb",
        "my-super-secret-auth-token",
        "my-token",
        "mytoken",
        "password",
        "postgres",
        "root",
        "secret",
        "token",
        "your-token",
        "your-token-here",
    }
)


def read_secret(token: SecretStr | None, token_file: Path | None) -> SecretStr | None:
    """Return the secret from the environment or from its file; None where neither is set.

    Raises SettingsError for a file that cannot be read, for an empty secret and for one that everybody knows.
    """
    if token is not None and token_file is not None:
        raise SettingsError("[store] has a token and a token_file; keep one of them")
    if token_file is not None:
        try:
            token = SecretStr(token_file.read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"[store] token_file {token_file} cannot be read: {error}") from None
    return None if token is None else checked_secret(token)


def checked_secret(secret: SecretStr) -> SecretStr:
    """Return a secret that may be one; its value appears in no message."""
    value = secret.get_secret_value()
    if value.strip().lower() in DEFAULT_SECRETS or not value.strip():
        raise SettingsError(
            "the store's secret is empty or a default that everybody knows; make one of its own "
            "on the server and set FREQFLEET_STORE__TOKEN"
        )
    if not (value.isascii() and value.isprintable()):
        raise SettingsError("the store's secret holds characters that no header can carry; make another one")
    return secret


def shown_url(text: str) -> str:
    """Return an unreadable URL as messages may show it: what stands before an @ may be a password."""
    return repr(text) if "@" not in text else f"'…@{text.rpartition('@')[2]}'"

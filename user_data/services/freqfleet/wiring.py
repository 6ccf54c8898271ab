"""The composition root: the only file that chooses concrete stores and candle files.

Everything else receives what it needs.
"""

from __future__ import annotations

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from freqfleet.errors import SettingsError
from freqfleet.settings import Settings
from freqfleet.store.promise import LearningStore

STORE_SCHEMES = ("sqlite",)


def open_store(settings: Settings) -> LearningStore:
    """Open the learning store of these settings.

    Raises SettingsError for a URL no body knows, StoreUnavailable where the store does not answer.
    """
    url = settings.database_url(settings.store.url)
    try:
        backend = make_url(url).get_backend_name()
    except ArgumentError:
        backend = url
    if backend not in STORE_SCHEMES:
        known = ", ".join(f"{scheme}:///…" for scheme in STORE_SCHEMES)
        raise SettingsError(f"no learning store speaks {backend!r}; [store] url must be one of: {known}")
    from freqfleet.store.sql import SqlStore

    return SqlStore(url, timeout_seconds=settings.store.timeout_seconds)

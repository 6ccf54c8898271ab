"""SqlStore on a real PostgreSQL: the contract, and what only a server can do wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from freqfleet.store.promise import LearningStore
from freqfleet.store.sql import SqlStore
from freqfleet.testing.store_contract import StoreContract


class TestPostgresStore(StoreContract):
    @pytest.fixture
    def store(self, postgres_url: str) -> Iterator[LearningStore]:
        self._url = postgres_url
        self._stores = [SqlStore(postgres_url)]
        yield self._stores[0]
        for one in self._stores:
            one.close()

    def reopened(self, store: LearningStore) -> LearningStore:
        store.close()
        self._stores.append(SqlStore(self._url))
        return self._stores[-1]

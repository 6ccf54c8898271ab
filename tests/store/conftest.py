from __future__ import annotations

import pytest

pytest.register_assert_rewrite("freqfleet.testing.store_contract")  # its asserts explain themselves, too

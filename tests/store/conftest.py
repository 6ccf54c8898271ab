from __future__ import annotations

import pytest

for part in ("store", "trade", "version", "bin_record"):  # their asserts explain themselves, too
    pytest.register_assert_rewrite(f"freqfleet.testing.{part}_contract")

"""What of managed exits a freqtrade strategy of ours can do; bots leave the rest out aloud."""

from __future__ import annotations

from dataclasses import replace

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.managed_exits import ManagedExits

_REPLAYED_ONLY = {
    "partial_targets": "partial targets",
}


def replayed_only(parameters: ExitParameters) -> tuple[str, ...]:
    """Return the parts that replay knows and the strategies do not trade, by the names people use."""
    if not isinstance(parameters, ManagedExits):
        return ()
    return tuple(said for name, said in _REPLAYED_ONLY.items() if getattr(parameters, name))


def tradable(parameters: ExitParameters) -> ExitParameters:
    """Return the parameters without those parts; everything else stays as it is."""
    if not isinstance(parameters, ManagedExits) or not replayed_only(parameters):
        return parameters
    return replace(parameters, partial_targets=())

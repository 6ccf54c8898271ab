"""EntryTag: what freqtrade keeps of why a position was opened, `long ensemble 3/4 conf=0.8 from=trend`.

freqtrade groups its statistics by this text, so it stays short and of few kinds: the confidence is
written to a tenth, everything finer goes into the trade's custom data.

The grammar lives here, below `trades` and `signals`: one writes it, the other reads it back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from freqfleet.domain.sides import Side
from freqfleet.errors import InputError

TAG_MAX_CHARACTERS = 255  # freqtrade's column

_FEEDER = r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}"
_CONFIDENCE = r"(?:0(?:\.[0-9]{1,6})?|1(?:\.0{1,6})?)"
_FEEDER_WORD = re.compile(_FEEDER)
_ENSEMBLE = re.compile(
    rf"(?P<side>long|short) ensemble (?P<votes>[0-9]{{1,3}})/(?P<voters>[0-9]{{1,3}})"
    rf" conf=(?P<confidence>{_CONFIDENCE}) from=(?P<feeder>{_FEEDER})"
)
_SINGLE = re.compile(
    rf"(?P<side>long|short) from (?P<feeder>{_FEEDER}) conf=(?P<confidence>{_CONFIDENCE})(?: \(.*\))?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryTag:
    """Who asked for a position, and how sure they were.

    votes, voters : how many feeders voted for the side, of how many that did not abstain; None on both
        where a tag names a single feeder and no vote (`long from 75b conf=0.89`).
    confidence : mean confidence of the voters, 0..1.
    feeder : the voter with the highest confidence.

    Raises InputError with the value for anything a tag cannot carry.
    """

    side: Side
    votes: int | None
    voters: int | None
    confidence: float
    feeder: str

    def __post_init__(self) -> None:
        if not 0.0 <= self.confidence <= 1.0:
            raise InputError(f"the confidence of an entry tag must lie in 0..1, was {self.confidence}")
        if not _FEEDER_WORD.fullmatch(self.feeder):
            raise InputError(f"not a feeder's name: {self.feeder!r}; letters, digits, _ and -, at most 32")
        if (self.votes is None) != (self.voters is None):
            raise InputError(f"votes and voters go together, were {self.votes} and {self.voters}")
        if self.votes is not None and self.voters is not None and not 1 <= self.votes <= self.voters <= 999:
            raise InputError(f"votes must lie in 1..voters..999, were {self.votes}/{self.voters}")


def format_tag(tag: EntryTag) -> str:
    """Write a tag; the confidence is rounded to a tenth. At most 255 characters."""
    if tag.votes is None:
        return f"{tag.side} from {tag.feeder} conf={tag.confidence:.1f}"
    return f"{tag.side} ensemble {tag.votes}/{tag.voters} conf={tag.confidence:.1f} from={tag.feeder}"


def parse_tag(text: str | None) -> EntryTag | None:
    """Read a tag back; None for no tag and for tags of others. Never raises.

    Older forms are read too: `long ensemble 3/5 conf=0.82 from=79`, with more digits, and
    `long from 75b conf=0.89 (...)`, which names one feeder and no vote.
    """
    if text is None or len(text) > TAG_MAX_CHARACTERS:
        return None
    match = _ENSEMBLE.fullmatch(text) or _SINGLE.fullmatch(text)
    if match is None:
        return None
    found = match.groupdict()
    try:
        return EntryTag(
            side=Side(found["side"]),
            votes=int(found["votes"]) if "votes" in found else None,
            voters=int(found["voters"]) if "voters" in found else None,
            confidence=float(found["confidence"]),
            feeder=found["feeder"],
        )
    except InputError:  # the form is ours, the numbers are not: `7/3`, `0/4`
        return None

"""The entry tag, where signals use it; its grammar is a word of the domain, because `trades` reads it too."""

from freqfleet.domain.entry_tags import TAG_MAX_CHARACTERS, EntryTag, format_tag, parse_tag

__all__ = ["TAG_MAX_CHARACTERS", "EntryTag", "format_tag", "parse_tag"]

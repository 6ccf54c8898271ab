"""What can be wrong before a bot starts: one line a finding, each with its remedy."""

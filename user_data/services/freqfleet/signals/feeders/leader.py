"""leader: what does BTC do that this pair has not done yet?

Other assets' information: the leader's moves, the pair's beta and correlation to it, and its own way beyond
them. It abstains where the leader's candles are not there.
"""

from __future__ import annotations

from freqfleet.domain.triple_barrier import TripleBarrier
from freqfleet.signals.recipes import Recipe

FEEDER = Recipe(
    name="leader",
    idea="The pair follows the leader, or returns to it.",
    features=(
        "leader_move_1",
        "leader_move_3",
        "leader_move_12",
        "leader_move_48",
        "leader_move_288",
        "leader_lead_1",
        "leader_lead_3",
        "leader_lead_12",
        "leader_lead_48",
        "leader_lead_288",
        "leader_beta_288",
        "leader_correlation_96",
        "leader_correlation_288",
        "leader_sigma_288",
        "leader_volume_z_288",
        "leader_average_48",
    ),
    barrier=TripleBarrier(target_atr=3.5, stop_atr=3.5, horizon_candles=48),
    needs=("atr_ratio", "leader_move_288"),
)

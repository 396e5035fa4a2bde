"""Quality of studies by published checklists, and the certainty of what they say together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncovivo.lazy import import_when_used

if TYPE_CHECKING:
    from oncovivo.evidence.quality.agreement import (
        AgreementReport,
        Disagreement,
        PairAgreement,
        cohen_kappa,
        gwet_ac1,
        rater_agreement,
    )
    from oncovivo.evidence.quality.assessment import (
        STANDINGS,
        Assessment,
        ItemShares,
        StudyAssessment,
        assess,
        item_shares,
    )
    from oncovivo.evidence.quality.certainty import (
        CertaintyRow,
        Downgrade,
        Override,
        certainty_frame,
        rate_certainty,
    )
    from oncovivo.evidence.quality.downgrades import DOMAINS, KEY_ITEMS, CertaintyRules, Judged
    from oncovivo.evidence.quality.findings import (
        ASPECTS,
        PooledSummary,
        Question,
        StudyFacts,
        information_size,
    )
    from oncovivo.evidence.quality.plots import plot_item_shares, plot_traffic_lights
    from oncovivo.evidence.quality.ratings import (
        CONSENSUS,
        QUALITY_COLUMNS,
        Rating,
        read_quality,
        write_quality,
    )
    from oncovivo.evidence.quality.tools import TOOLS, Item, Tool, tool_named

__all__ = [
    "ASPECTS",
    "CONSENSUS",
    "DOMAINS",
    "KEY_ITEMS",
    "QUALITY_COLUMNS",
    "STANDINGS",
    "TOOLS",
    "AgreementReport",
    "Assessment",
    "CertaintyRow",
    "CertaintyRules",
    "Disagreement",
    "Downgrade",
    "Item",
    "ItemShares",
    "Judged",
    "Override",
    "PairAgreement",
    "PooledSummary",
    "Question",
    "Rating",
    "StudyAssessment",
    "StudyFacts",
    "Tool",
    "assess",
    "certainty_frame",
    "cohen_kappa",
    "gwet_ac1",
    "information_size",
    "item_shares",
    "plot_item_shares",
    "plot_traffic_lights",
    "rate_certainty",
    "rater_agreement",
    "read_quality",
    "tool_named",
    "write_quality",
]

import_when_used(__name__)

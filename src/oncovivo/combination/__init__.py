"""Combinations: what was seen against what null models foresee from the partners alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncovivo.lazy import import_when_used

if TYPE_CHECKING:
    from oncovivo.combination.area_bootstrap import AreaIndex, area_index
    from oncovivo.combination.bands import IndexBand, index_band
    from oncovivo.combination.bliss import bliss
    from oncovivo.combination.detectable import detectable_difference
    from oncovivo.combination.dose_grid import DoseGrid, GridArm, dose_grid, doses_from_names
    from oncovivo.combination.doses import DoseCheck, check_doses
    from oncovivo.combination.effect_rows import SynergyRow, synergy_row
    from oncovivo.combination.event_nulls import compare_event_nulls, event_bliss, event_hsa
    from oncovivo.combination.factorial import Interaction, factorial_interactions
    from oncovivo.combination.fixed_addition import (
        AdditionArms,
        FixedAddition,
        addition_arms,
        fixed_addition,
    )
    from oncovivo.combination.foreseen import ObservedExpected, observed_expected
    from oncovivo.combination.forest_plots import plot_synergy_forest
    from oncovivo.combination.grid_plots import plot_dose_grid
    from oncovivo.combination.grid_surface import GridCell, GridSurface, grid_synergy
    from oncovivo.combination.hsa import hsa
    from oncovivo.combination.nulls import Sensitivity, compare_nulls, sensitivity
    from oncovivo.combination.response_additivity import (
        AdditivityBootstrap,
        response_additivity,
        response_additivity_bootstrap,
    )
    from oncovivo.combination.result import SynergyResult
    from oncovivo.combination.roles import CombinationArms, PairArm, combination_arms
    from oncovivo.combination.scores import invivosyn_score, synergylmm_score
    from oncovivo.combination.sequence import (
        SequenceComparison,
        SequenceGroup,
        compare_sequences,
        sequence_groups,
    )
    from oncovivo.combination.synergy_plots import plot_index_band, plot_observed_expected

__all__ = [
    "AdditionArms",
    "AdditivityBootstrap",
    "AreaIndex",
    "CombinationArms",
    "DoseCheck",
    "DoseGrid",
    "FixedAddition",
    "GridArm",
    "GridCell",
    "GridSurface",
    "IndexBand",
    "Interaction",
    "ObservedExpected",
    "PairArm",
    "Sensitivity",
    "SequenceComparison",
    "SequenceGroup",
    "SynergyResult",
    "SynergyRow",
    "addition_arms",
    "area_index",
    "bliss",
    "check_doses",
    "combination_arms",
    "compare_event_nulls",
    "compare_nulls",
    "compare_sequences",
    "detectable_difference",
    "dose_grid",
    "doses_from_names",
    "event_bliss",
    "event_hsa",
    "factorial_interactions",
    "fixed_addition",
    "grid_synergy",
    "hsa",
    "index_band",
    "invivosyn_score",
    "observed_expected",
    "plot_dose_grid",
    "plot_index_band",
    "plot_observed_expected",
    "plot_synergy_forest",
    "response_additivity",
    "response_additivity_bootstrap",
    "sensitivity",
    "sequence_groups",
    "synergy_row",
    "synergylmm_score",
]

import_when_used(__name__)

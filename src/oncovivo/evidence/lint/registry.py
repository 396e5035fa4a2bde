"""All rules, in the order of their ids."""

from __future__ import annotations

from oncovivo.evidence.lint import (
    citations,
    numbers,
    rows,
    simulations,
    statements,
    waivers,
    wording,
)
from oncovivo.evidence.lint.model import Rule

__all__ = ["RULES", "RULES_OF_RESULTS"]

RULES: tuple[Rule, ...] = (
    citations.no_identifier,
    citations.weak_kind_of_source,
    citations.clinical_source_for_animals,
    citations.clinical_cohort_for_animals,
    statements.headline_above_rows,
    rows.not_an_animal,
    rows.graft_against_host,
    rows.wrong_tumor_type,
    numbers.no_unit,
    rows.merged_row,
    citations.cited_twice,
    rows.another_substance,
    wording.adjective_without_number,
    statements.selective_citation,
    statements.negative_result_omitted,
    statements.unheard_counter_evidence,
    statements.representative_of_one,
    wording.synergy_without_null,
    rows.between_subjects_as_allocated,
    statements.approval_without_label,
    numbers.significance_without_test,
    statements.uncited_procedure,
    citations.another_tumor_type,
    wording.boilerplate_or_missing_figure,
    numbers.standard_error_as_deviation,
    numbers.no_group_size,
    citations.not_verified,
    citations.never_used,
    waivers.unreasoned,
    rows.ids_against_vocabulary,
    rows.no_locator,
    statements.counts_another_substance,
    citations.not_primary,
    citations.unknown_key,
    simulations.disagrees_with_a_study,
)
"""LINT-01 to LINT-35; the first 24 are the defects for which the linter was built."""

RULES_OF_RESULTS: tuple[Rule, ...] = (simulations.disagrees_with_a_study,)
"""Those that need the results of a build."""

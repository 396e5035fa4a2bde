"""The closed word lists of evidence rows: each word with its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

__all__ = ["WORD_LISTS", "State", "meaning", "words"]

State: TypeAlias = Literal[
    "given", "not_reported", "not_extracted", "not_accessible", "not_applicable"
]
"""Why a value is there or not."""

WORD_LISTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "state": {
            "given": "the cell holds the value",
            "not_reported": "the source was read and does not give it",
            "not_extracted": "the source has not been read for it yet",
            "not_accessible": "the part of the source that would give it could not be read",
            "not_applicable": "the question makes no sense for this row",
        },
        "use": {
            "evidence": "a primary source was read; the row may carry a claim",
            "context": "no verified primary source; shown, and never counted as evidence",
        },
        "graft_type": {
            "cdx": "human cell line in an immunodeficient host",
            "pdx": "patient tissue in an immunodeficient host",
            "syngeneic": "line of the host's own species and strain",
            "gemm": "tumor that arises in an engineered animal",
            "allograft": "same species, other strain",
        },
        "site": {
            "subcutaneous": "under the skin",
            "orthotopic": "in the organ of origin",
            "intraperitoneal": "in the abdominal cavity",
            "intravenous": "injected into a vein",
            "autochthonous": "arises in place",
        },
        "immune_status": {
            "immunodeficient": "lacks at least T cells",
            "immunocompetent": "intact immune system",
        },
        "comparator": {
            "vehicle": "the formulation without the drug",
            "untreated": "no treatment",
            "control_unspecified": "a control that the source does not describe",
            "compound_alone": "the compound without the partner",
            "partner_alone": "the partner without the compound",
            "each_alone": "both single agents, each in its own arm",
            "other_agent": "another active agent",
            "other_line": "the same treatment in another xenograft line",
            "other_host": "the same treatment in another host",
            "before_treatment": "the same subject before treatment",
            "other_schedule": "the same agents on another schedule",
        },
        "contrast": {
            "treated_vs_control": "treated arm against a control arm of the same experiment",
            "combination_vs_single": "combination against one or both single agents",
            "factorial": "control, each single agent and the combination in one experiment",
            "dose_levels": "several doses of one compound",
            "schedules": "the same agents on different schedules",
            "between_lines": "the same treatment in different xenograft lines",
            "between_hosts": "the same treatment in different hosts",
            "before_after": "the same subjects before and after",
            "single_arm": "no comparison",
            "correlation": "a marker against an outcome over lines or animals",
        },
        "allocation": {
            "randomized": "the source says that subjects were allocated at random",
            "not_randomized": "allocation by another rule, or groups that cannot be allocated",
        },
        "endpoint": {
            "tumor_volume": "volume at a day",
            "tumor_weight": "weight at a day",
            "tumor_growth_inhibition": "TGI, by a stated definition",
            "growth_delay": "delay to reach a size",
            "growth_rate": "rate of log volume",
            "survival": "time to death or to a humane endpoint",
            "progression_free_survival": "time to progression or death",
            "response_rate": "share of lines, animals or patients that respond",
            "complete_regression": "share of tumors that vanish",
            "tumor_size_outcome": "an effect on growth whose measure the source does not state",
            "body_weight": "change of body weight",
            "toxicity": "adverse effects",
            "proliferation": "proliferation marker or cell cycle in tissue",
            "cell_cycle": "arrest in a phase of the cell cycle",
            "apoptosis": "programmed cell death",
            "necrosis": "necrotic tissue",
            "autophagy": "autophagy marker",
            "angiogenesis": "vessels or angiogenic factors",
            "target_binding": "binding to the molecular target",
            "pathway_phosphorylation": "phosphorylation of a pathway protein",
            "protein_level": "level of a named protein",
            "gene_expression": "expression of a named gene",
            "immune_activation": "number or activation of immune cells",
            "marker_association": "association of a marker with the outcome",
            "engraftment": "share of grafts that grow",
        },
        "direction": {
            "benefit": "the outcome is better than with the comparator",
            "none": "no difference that the source calls one, or little effect",
            "harm": "the outcome is worse than with the comparator",
            "mixed": "better in some lines, doses or subjects and not in others",
            "not_applicable": "the row states a fact without a direction",
        },
        "simulated_direction": {
            "lower": "the limits of arm minus control lie below 0",
            "higher": "the limits of arm minus control lie above 0",
            "none": "the limits of arm minus control hold 0",
        },
        "study_analysis": {
            "growth_rate": "arm less control, of the growth model's rates",
            "inhibition": "percent of the control's growth that is missing, by the growth model",
            "hazard": "hazard of the event, arm over control",
            "median_time": "median time to the event, arm against control",
            "synergy": "a combination against what a null model foresees from its partners",
        },
        "study_scale": {
            "growth_rate": "rate of log size, per day",
            "auc_rate_difference": "the rate that the area under the log curve stands for",
            "tgi_growth_ratio_pct": "one less the ratio of rates, in percent",
            "tgi_rate_pct": "one less the ratio of relative sizes on the day, in percent",
            "tgi_delta_geometric_pct": "one less the ratio of growths, geometric means, percent",
            "tgi_delta_arithmetic_pct": "one less the ratio of growths, arithmetic means, percent",
            "relative_volume": "size on the day relative to the start",
            "tgi": "inhibition on the day, by the growth model",
            "auc": "area under the relative size up to the day",
            "hazard": "hazard of the event",
            "median_survival": "median time to the event",
        },
        "study_direction": {
            "lower": "the limits, and any adjusted p, say less than no difference",
            "higher": "they say more than no difference",
            "none": "they do not tell it from no difference",
        },
        "study_verdict": {
            "synergy": "more than the null model foresees, at the level",
            "antagonism": "less than the null model foresees, at the level",
            "not_shown": "neither is told from what the null model foresees",
        },
        "pool_measure": {
            "SMD": "difference of means over their standard deviation (Hedges g)",
            "SMDH": "the same with a standard deviation for each group",
            "MD": "difference of means",
            "ROM": "ratio of means",
            "NMD": "share of the control's outcome that treatment takes away",
            "VR": "ratio of standard deviations",
            "CVR": "ratio of coefficients of variation",
            "growth_rate": "difference of growth rates, per day",
            "log_hazard_ratio": "hazard ratio",
            "log_median_ratio": "ratio of median times to the event",
            "log_odds_ratio": "odds ratio",
            "risk_difference": "difference of shares",
            "arcsine_difference": "difference of arcsines of shares",
            "freeman_tukey_difference": "difference of double arcsines of shares",
            "generic": "effect size as given",
        },
        "pool_direction": {
            "benefit": "the limits of the pooled effect lie on the side of benefit",
            "harm": "they lie on the side of harm",
            "none": "they hold no difference",
        },
        "n_unit": {
            "animals": "animals",
            "tumors": "tumors; an animal may bear several",
            "lines": "xenograft lines",
            "patients": "patients",
            "replicates": "in vitro replicates",
        },
        "unit": {
            "mm3": "cubic millimeter",
            "mg": "milligram",
            "g": "gram",
            "day": "day",
            "week": "week",
            "month": "month",
            "percent": "percent of the denominator",
            "ratio": "ratio to the denominator",
            "hazard_ratio": "hazard ratio against the comparator",
            "count": "count out of the denominator",
            "per_day": "natural log units per day",
            "mg/kg": "milligram per kilogram of body weight",
            "mg/kg/day": "milligram per kilogram and day",
            "nmol/L": "nanomole per liter",
        },
        "dispersion_kind": {
            "SD": "standard deviation",
            "SEM": "standard error of the mean",
            "IQR": "interquartile range, as a width",
            "CI95": "95 % confidence interval, as a width",
            "range": "maximum minus minimum",
            "unlabeled": "printed after ± without saying what it is",
        },
        "null_model": {
            "bliss": "Bliss independence",
            "hsa": "highest single agent",
            "response_additivity": "response additivity",
            "loewe": "Loewe additivity",
            "combination_index": "Chou-Talalay combination index",
            "factorial_interaction": "interaction term of a factorial model",
        },
        "evidence_kind": {
            "animal_efficacy": "effect on tumor size or survival in an animal",
            "animal_pharmacodynamics": "effect on a marker or tissue in an animal",
            "in_vitro": "cells or proteins outside an animal",
            "patient": "people",
            "review": "a statement in a review, a label or a database",
        },
        "read_from": {
            "text": "read in running text",
            "table": "read in a table",
            "digitized": "read off a figure",
        },
        "reading": {
            "verified": "read in a stored copy of the source",
            "partly_verified": "some of the fields read there",
            "recalled": "from memory; not to be printed as fact",
            "unresolved": "the source could not be identified",
        },
    }
)
"""Word lists by name; a column of :class:`oncovivo.evidence.Record` names its list."""


def words(name: str) -> tuple[str, ...]:
    """The words of a list.

    Examples
    --------
    >>> words("allocation")
    ('randomized', 'not_randomized')
    """
    return tuple(WORD_LISTS[name])


def meaning(name: str, word: str) -> str:
    """What a word of a list means.

    Examples
    --------
    >>> meaning("graft_type", "pdx")
    'patient tissue in an immunodeficient host'
    """
    return WORD_LISTS[name][word]

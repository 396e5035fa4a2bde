"""Columns and words of the rows as a reader sees them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from oncovivo.documents import Inline, Text, text
from oncovivo.evidence import Identifiers
from oncovivo.evidence.claims import Query
from oncovivo.evidence.meta import LOG_MEASURES, Measure
from oncovivo.evidence.vocabulary import WORD_LISTS
from oncovivo.guide.citing import Citations

__all__ = [
    "COLUMN_LABELS",
    "DIRECTIONS",
    "MEASURE_WORDS",
    "column_label",
    "computed_as",
    "counted",
    "effect_number",
    "plain_word",
    "query_words",
    "value_label",
]

COLUMN_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "row_id": "row",
        "use": "use of the row",
        "filed_under": "filed under",
        "tumor_type": "tumor type",
        "oncotree": "tumor type (OncoTree)",
        "ncit": "tumor type (NCI Thesaurus)",
        "doid": "tumor type (Disease Ontology)",
        "xenograft_line": "line",
        "line_rrid": "RRID of the line",
        "graft_type": "graft",
        "site": "site of the graft",
        "host_species": "host species",
        "host_strain": "host strain",
        "host_rrid": "RRID of the host",
        "immune_status": "immune status",
        "compound": "compound",
        "partner": "partner",
        "regimen": "regimen",
        "comparator": "comparator",
        "contrast": "kind of comparison",
        "allocation": "allocation",
        "endpoint": "endpoint",
        "day": "day",
        "direction": "direction",
        "n_treated": "number treated",
        "n_control": "number of controls",
        "n_unit": "what was counted",
        "value": "value",
        "unit": "unit",
        "denominator": "denominator",
        "dispersion": "spread",
        "dispersion_kind": "kind of spread",
        "test": "statistical test",
        "p_value": "p value",
        "null_model": "null model",
        "evidence_kind": "kind of evidence",
        "source": "source",
        "locator": "place in the source",
        "read_from": "where it was read",
        "reading": "reading",
        "statement": "result in words",
        "source_compound": "compound in the source's words",
        "source_tumor": "tumor in the source's words",
        "source_result": "result in the source's words",
        "note": "note",
        "arm": "arm",
        "versus": "compared with",
        "output": "output of the model",
        "time_d": "day of the simulation",
        "median": "median over the draws",
        "lower": "lower limit",
        "upper": "upper limit",
        "ratio": "ratio to the control",
        "ratio_lower": "lower limit of the ratio",
        "ratio_upper": "upper limit of the ratio",
        "assumed_count": "count of assumed numbers",
        "scaled_count": "count of scaled numbers",
        "analysis": "analysis",
        "scale": "scale",
        "n": "number of animals",
        "estimate": "estimate",
        "index": "index of the combination",
        "index_lower": "lower limit of the index",
        "index_upper": "upper limit of the index",
        "detectable_index": "largest index that could be found",
        "p_adjusted": "p value for all arms together",
        "verdict": "verdict on the null model",
        "level": "confidence of the limits",
        "treatment": "treatment",
        "measure": "measure",
        "k": "number of pooled rows",
        "works": "number of works behind them",
        "tau2": "variance between rows",
        "i2_pct": "I² in percent",
        "pi_lower": "lower limit of the prediction interval",
        "pi_upper": "upper limit of the prediction interval",
        "ratio_pi_lower": "lower limit of the predicted ratio",
        "ratio_pi_upper": "upper limit of the predicted ratio",
    }
)
"""Each column of ``records.csv``, then what only simulations have, only studies, only pools."""

DIRECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "benefit": "▲ benefit",
        "none": "■ no difference",
        "harm": "▼ harm",
        "mixed": "◆ mixed",
        "not_applicable": "○ no direction",
    }
)
"""Each direction of a result with its mark in the evidence map."""

MEASURE_WORDS: Mapping[Measure, str] = MappingProxyType(
    {
        "SMD": "standardized mean difference",
        "SMDH": "standardized mean difference, unequal variances",
        "MD": "mean difference",
        "ROM": "ratio of means",
        "NMD": "normalized mean difference",
        "VR": "ratio of standard deviations",
        "CVR": "ratio of coefficients of variation",
        "growth_rate": "difference of growth rates",
        "log_hazard_ratio": "hazard ratio",
        "log_median_ratio": "ratio of median survival",
        "log_odds_ratio": "odds ratio",
        "risk_difference": "risk difference",
        "arcsine_difference": "difference of arcsine-transformed shares",
        "freeman_tukey_difference": "difference of Freeman-Tukey-transformed shares",
        "generic": "effect size",
    }
)
"""Measures of pooled effects as people name them."""

# What replacing underscores by spaces does not make readable.
_WORDS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("direction", "none"): "no difference",
        ("direction", "not_applicable"): "no direction",
        ("partner", "not_applicable"): "none",
        ("graft_type", "cdx"): "CDX",
        ("graft_type", "pdx"): "PDX",
        ("graft_type", "gemm"): "GEMM",
        ("unit", "mm3"): "mm³",
        ("unit", "per_day"): "per day",
        ("null_model", "bliss"): "Bliss independence",
        ("null_model", "hsa"): "highest single agent",
        ("null_model", "loewe"): "Loewe additivity",
        ("dispersion_kind", "CI95"): "width of the 95 % confidence interval",
        ("dispersion_kind", "unlabeled"): "spread of a kind that is not stated",
        ("comparator", "untreated"): "no treatment",
        ("comparator", "control_unspecified"): "a control that is not described",
        ("comparator", "compound_alone"): "the compound alone",
        ("comparator", "partner_alone"): "the partner alone",
        ("comparator", "other_agent"): "another agent",
        ("comparator", "other_line"): "another line",
        ("comparator", "other_host"): "another host",
        ("comparator", "before_treatment"): "the state before treatment",
        ("comparator", "other_schedule"): "another schedule",
        ("contrast", "treated_vs_control"): "treated against control",
        ("contrast", "combination_vs_single"): "combination against single agents",
        ("contrast", "before_after"): "before and after",
        ("evidence_kind", "patient"): "patients",
        ("analysis", "hazard"): "hazard of the event",
        ("scale", "auc_rate_difference"): "difference of area rates (eGaIT)",
        ("scale", "tgi_growth_ratio_pct"): "TGI, ratio of rates, %",
        ("scale", "tgi_rate_pct"): "TGI, difference of rates, %",
        ("scale", "tgi_delta_geometric_pct"): "TGI, growth of geometric means, %",
        ("scale", "tgi_delta_arithmetic_pct"): "TGI, growth of arithmetic means, %",
        ("scale", "relative_volume"): "relative size",
        ("scale", "tgi"): "model-based inhibition",
        ("scale", "auc"): "area under the curve",
        ("scale", "median_survival"): "median time",
        **{("measure", measure): words for measure, words in MEASURE_WORDS.items()},
    }
)
# Columns whose entries are names with underscores: words of lists, and outputs of models.
_WORD_COLUMNS = frozenset({*WORD_LISTS, "output", "analysis", "scale", "verdict"})
_STATES = frozenset(WORD_LISTS["state"])


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    Examples
    --------
    >>> counted(1, "row"), counted(2, "row")
    ('1 row', '2 rows')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def effect_number(measure: Measure, value: float) -> str:
    """An effect to three digits as people read it: a ratio from its logarithm.

    Examples
    --------
    >>> effect_number("ROM", 0.0), effect_number("SMD", -0.5)
    ('1', '−0.5')
    """
    return f"{math.exp(value) if measure in LOG_MEASURES else value:.3g}".replace("-", "−")


def column_label(column: str) -> str:
    """A column as it is printed.

    Examples
    --------
    >>> column_label("n_treated")
    'number treated'
    """
    return COLUMN_LABELS[column]


def plain_word(column: str, word: str) -> str:
    """A word of a closed list, a state or an output as it is printed; other text as it is.

    Examples
    --------
    >>> plain_word("contrast", "combination_vs_single")
    'combination against single agents'
    >>> plain_word("site", "not_reported")
    'not reported'
    >>> plain_word("xenograft_line", "A_431")
    'A_431'
    """
    if (column, word) in _WORDS:
        return _WORDS[column, word]
    if word in _STATES or column in _WORD_COLUMNS:
        return word.replace("_", " ")
    return word


def value_label(column: str, value: object, identifiers: Identifiers) -> str:
    """A value of a query as it is printed; codes and keys carry their name.

    Examples
    --------
    >>> from oncovivo.evidence import read_identifiers
    >>> from pathlib import Path
    >>> value_label("oncotree", "MCL", read_identifiers(Path("none")))
    'MCL (mantle cell lymphoma)'
    """
    word = f"{value:g}" if isinstance(value, float) else str(value)
    if column in ("oncotree", "filed_under") and word in identifiers.tumor_types:
        return f"{word} ({identifiers.tumor_types[word].name})"
    if column in ("compound", "partner") and word in identifiers.compounds:
        return identifiers.compounds[word].name
    return plain_word(column, word)


def query_words(
    query: Query, identifiers: Identifiers, citations: Citations
) -> tuple[Inline, ...]:
    """A query in words; the sources that it names are cited.

    Examples
    --------
    >>> from oncovivo.documents.walk import plain
    >>> from oncovivo.evidence import read_identifiers
    >>> from oncovivo.references import Library
    >>> from pathlib import Path
    >>> query = {"oncotree": ["MCL"], "evidence_kind": ["in_vitro", "patient"]}
    >>> identifiers = read_identifiers(Path("none"))
    >>> plain(query_words(query, identifiers, Citations(Library())))
    'tumor type (OncoTree) is MCL (mantle cell lymphoma); kind of evidence is in vitro or patients'
    """
    inlines: list[Inline] = []
    for column, accepted in query.items():
        inlines += text(f"{'; ' if inlines else ''}{column_label(column)} is ")
        for number, value in enumerate(accepted):
            inlines += text(" or ") if number else ()
            if column == "source" and citations.knows(str(value)):
                inlines += citations.cite((str(value),))
            else:
                inlines += text(value_label(column, value, identifiers))
    return _joined(inlines)


def computed_as(function: str, identifiers: Identifiers) -> str:
    """What a slot function computes, in words.

    Examples
    --------
    >>> from oncovivo.evidence import read_identifiers
    >>> from pathlib import Path
    >>> computed_as("share direction=benefit", read_identifiers(Path("none")))
    'share of rows whose direction is benefit'
    """
    name, _, argument = function.strip().partition(" ")
    column, _, word = (part.strip() for part in argument.partition("="))
    if name == "count":
        return "number of rows"
    if name == "distinct" and column == "source":
        return "number of independent works"
    label = column_label(column)
    if name == "share":
        return f"share of rows whose {label} is {value_label(column, word, identifiers)}"
    return {
        "distinct": f"number of different entries in: {label}",
        "min": f"smallest {label}",
        "max": f"largest {label}",
        "median": f"median of: {label}",
        "range": f"smallest to largest {label}",
        "pooled": f"pooled {label}",
    }[name]


def _joined(inlines: Sequence[Inline]) -> tuple[Inline, ...]:
    """The same line with neighboring plain text in one piece."""
    joined: list[Inline] = []
    for inline in inlines:
        last = joined[-1] if joined else None
        if isinstance(inline, Text) and isinstance(last, Text):
            joined[-1] = Text(content=last.content + inline.content)
        else:
            joined.append(inline)
    return tuple(joined)

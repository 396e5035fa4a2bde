"""What each endpoint is: its words, unit, formula and source, for tables, figures and pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from oncovivo.errors import InputError

__all__ = ["ENDPOINTS", "EndpointDefinition", "find_definition"]

EndpointScope: TypeAlias = Literal["arm", "contrast"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointDefinition:
    """An endpoint in words.

    Parameters
    ----------
    name : str
        Its name; ``{target}`` stands for a target such as ``4x`` or ``1000mm3``.
    title : str
        In the field's words.
    unit : str
        Unit of the estimate; ``1`` for a fraction or ratio.
    scope : {"arm", "contrast"}
        Of an arm alone, or of an arm against the control.
    formula : str
        In a line.
    on_areas : bool
        Whether it is also given where only areas were measured.
    """

    name: str
    title: str
    unit: str
    scope: EndpointScope
    formula: str
    on_areas: bool = False


def _arm(
    name: str, title: str, unit: str, formula: str, *, on_areas: bool = False
) -> EndpointDefinition:
    return EndpointDefinition(
        name=name, title=title, unit=unit, scope="arm", formula=formula, on_areas=on_areas
    )


def _contrast(
    name: str, title: str, unit: str, formula: str, *, on_areas: bool = False
) -> EndpointDefinition:
    return EndpointDefinition(
        name=name, title=title, unit=unit, scope="contrast", formula=formula, on_areas=on_areas
    )


# In the order of a table.
ENDPOINTS: Final[tuple[EndpointDefinition, ...]] = (
    _arm(
        "relative_volume_mean_of_ratios",
        "relative volume, mean of ratios",
        "1",
        "mean of V(day)/V(0)",
    ),
    _arm(
        "relative_volume_ratio_of_means",
        "relative volume, ratio of means",
        "1",
        "mean V(day) / mean V(0)",
    ),
    _arm(
        "relative_volume_geometric",
        "relative volume, geometric mean",
        "1",
        "exp(mean of log V(day)/V(0))",
    ),
    _arm("relative_volume_median", "relative volume, median", "1", "median of V(day)/V(0)"),
    _arm("regression_pct", "regression", "%", "100·(1 − mean V(day) / mean V(0)), if positive"),
    _arm(
        "best_change_pct",
        "best change, mean of animals",
        "%",
        "mean of each animal's smallest 100·(V/V(0) − 1)",
    ),
    _arm(
        "nadir_change_pct",
        "nadir of the mean change",
        "%",
        "smallest over days of the mean of 100·(V/V(0) − 1)",
    ),
    _arm(
        "growth_rate",
        "growth rate",
        "1/day",
        "mean of the animals' slopes of log V on day",
        on_areas=True,
    ),
    _arm("doubling_time", "doubling time", "day", "ln 2 / growth rate"),
    _arm("auc", "area under the curve", "mm³·day", "mean of ∫V dt from the baseline to the day"),
    _arm(
        "normalized_auc",
        "normalized area under the curve",
        "mm³",
        "mean of ∫V dt / own follow-up",
    ),
    _arm(
        "egr",
        "growth rate from the area",
        "1/day",
        "mean of 2·(∫log V dt − log V(0)·span)/span²",
        on_areas=True,
    ),
    _arm("time_to_{target}", "time to target", "day", "Kaplan-Meier median of the animals' times"),
    _contrast("tgi_delta", "TGI of changes", "1", "1 − ΔT/ΔC"),
    _contrast("tgi_rtv", "TGI of relative volumes", "1", "1 − mean RTV T / mean RTV C"),
    _contrast("tgi_volume", "TGI of volumes", "1", "1 − mean V T / mean V C"),
    _contrast("tgi_auc", "TGI of areas", "1", "1 − AUC T / AUC C, above the baseline"),
    _contrast(
        "tgi_rate",
        "TGI of growth rates at the day",
        "1",
        "1 − exp((rate T − rate C)·days)",
        on_areas=True,
    ),
    _contrast(
        "tgi_growth_ratio",
        "TGI as a ratio of growth rates",
        "1",
        "1 − rate T / rate C",
        on_areas=True,
    ),
    _contrast("tgi_kulgap", "TGI on the KuLGaP scale", "1", "1 − ΔT/ΔC of log(V + 0.01 mm³)"),
    _contrast("t_over_c", "T/C of mean volumes", "1", "mean V T / mean V C"),
    _contrast("t_over_c_median", "T/C of median volumes", "1", "median V T / median V C"),
    _contrast("t_over_c_optimal", "optimal T/C", "1", "smallest mean V T / mean V C over days"),
    _contrast("t_over_c_nci", "T/C of changes (NCI)", "1", "ΔT/ΔC if ΔT > 0, else ΔT/T(0)"),
    _contrast(
        "t_over_c_pptp",
        "T/C of relative volumes at day 21 (PPTP)",
        "1",
        "mean RTV T / mean RTV C",
    ),
    _contrast(
        "t_over_c_rate",
        "T/C from growth rates over 21 days",
        "1",
        "exp((rate T − rate C)·21 d)",
        on_areas=True,
    ),
    _contrast("auc_ratio", "ratio of normalized areas", "1", "mean normalized AUC T / mean of C"),
    _contrast(
        "egr_difference",
        "difference of growth rates from the area",
        "1/day",
        "mean eGR T − mean eGR C",
        on_areas=True,
    ),
    _contrast("growth_delay_{target}", "growth delay T − C", "day", "median T − median C"),
    _contrast("growth_delay_{target}_pct", "growth delay", "%", "100·(T − C)/C"),
    _contrast(
        "log10_cell_kill_gross_{target}",
        "log10 cell kill, gross",
        "1",
        "(T − C) / (log2(10)·doubling time C)",
    ),
    _contrast(
        "log10_cell_kill_net_{target}",
        "log10 cell kill, net",
        "1",
        "(T − C − days of treatment) / (log2(10)·doubling time C)",
    ),
)


def find_definition(endpoint: str) -> EndpointDefinition:
    """Definition behind the name of an endpoint, with or without its target.

    Parameters
    ----------
    endpoint : str
        Such as ``tgi_delta`` or ``growth_delay_4x_pct``.

    Raises
    ------
    InputError
        If there is no such endpoint.

    Examples
    --------
    >>> find_definition("growth_delay_4x_pct").formula
    '100·(T − C)/C'
    """
    for definition in ENDPOINTS:
        start, _, end = definition.name.partition("{target}")
        if definition.name == endpoint:
            return definition
        inside = endpoint.removeprefix(start).removesuffix(end)
        if (
            "{target}" in definition.name
            and start + inside + end == endpoint
            and (inside.endswith(("x", "mm3")))
        ):
            return definition
    expected = "the name of an endpoint, such as tgi_delta"
    raise InputError(expected, found=repr(endpoint))

"""Endpoints as a reader sees them on a page or a terminal: titles, groups, numbers and remarks."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from oncovivo.endpoints.definitions import find_definition
from oncovivo.endpoints.estimate import EndpointEstimate

__all__ = [
    "GROUPS",
    "EndpointGroup",
    "endpoint_title",
    "endpoint_unit",
    "find_group",
    "interval_text",
    "list_remarks",
    "number_text",
    "value_text",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointGroup:
    """Endpoints that answer one question.

    Parameters
    ----------
    key : str
        Letters only, for anchors.
    title : str
        Heading.
    members : tuple of str
        How the names of its endpoints begin.
    """

    key: str
    title: str
    members: tuple[str, ...]


# In the order in which they are read: the arm alone first, then against the control.
GROUPS: Final[tuple[EndpointGroup, ...]] = (
    EndpointGroup(
        key="size",
        title="Size and best change",
        members=("relative_volume_", "regression_pct", "best_change_pct", "nadir_change_pct"),
    ),
    EndpointGroup(
        key="rate", title="Growth rate", members=("growth_rate", "doubling_time", "egr")
    ),
    EndpointGroup(key="area", title="Area under the curve", members=("auc", "normalized_auc")),
    EndpointGroup(key="time", title="Time to a size", members=("time_to_",)),
    EndpointGroup(key="tgi", title="Tumor growth inhibition (TGI)", members=("tgi_",)),
    EndpointGroup(
        key="ratio",
        title="Treated against control (T/C)",
        members=("t_over_c", "auc_ratio", "egr_difference"),
    ),
    EndpointGroup(
        key="delay",
        title="Growth delay and cell kill",
        members=("growth_delay_", "log10_cell_kill_"),
    ),
)


def find_group(endpoint: str) -> EndpointGroup:
    """The group of an endpoint; where two names fit, the longer one counts.

    Raises
    ------
    InputError
        If there is no such endpoint.

    Examples
    --------
    >>> find_group("growth_delay_4x").key, find_group("egr_difference").key, find_group("egr").key
    ('delay', 'ratio', 'rate')
    """
    find_definition(endpoint)
    fitting = [
        (len(member), group)
        for group in GROUPS
        for member in group.members
        if endpoint.startswith(member)
    ]
    return max(fitting, key=lambda found: found[0])[1]


def endpoint_title(endpoint: str) -> str:
    """What an endpoint is called in a sentence or heading, its target included.

    Examples
    --------
    >>> endpoint_title("time_to_4x"), endpoint_title("growth_delay_1000mm3_pct")
    ('time to 4 × baseline', 'growth delay, 1000 mm³')
    """
    definition = find_definition(endpoint)
    if "{target}" not in definition.name:
        return definition.title
    start, _, end = definition.name.partition("{target}")
    target = endpoint.removeprefix(start).removesuffix(end)
    words = re.sub(r"mm3$", " mm³", re.sub(r"x$", " × baseline", target))
    if "target" in definition.title:
        return definition.title.replace("target", words)
    return f"{definition.title}, {words}"


def endpoint_unit(endpoint: str) -> str:
    """Unit of an endpoint; empty for a ratio.

    Examples
    --------
    >>> endpoint_unit("growth_rate"), endpoint_unit("t_over_c")
    ('1/day', '')
    """
    unit = find_definition(endpoint).unit
    return "" if unit == "1" else unit


def number_text(value: float, *, digits: int = 3) -> str:
    """A number to so many significant digits, without an exponent where people write none.

    Examples
    --------
    >>> number_text(9624.3), number_text(-0.0169), number_text(14.0), number_text(0.0)
    ('9620', '−0.0169', '14.0', '0')
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}".replace("-", "") if value == 0 else str(value)
    rounded = float(f"{value:.{digits}g}")
    power = math.floor(math.log10(abs(rounded)))
    if -5 < power < 7:
        words = f"{rounded:.{max(digits - 1 - power, 0)}f}"
    else:
        words = f"{rounded:.{digits - 1}e}"
    return words.replace("-", "−")


def value_text(row: EndpointEstimate, *, digits: int = 3) -> str:
    """The estimate, what it exceeds where it was not reached, or a dash.

    Parameters
    ----------
    row : EndpointEstimate
        Of any status.
    digits : int
        Significant digits.
    """
    if row.estimate is not None:
        return number_text(row.estimate, digits=digits)
    return "—" if row.greater_than is None else f"> {number_text(row.greater_than, digits=digits)}"


def interval_text(row: EndpointEstimate, *, digits: int = 3) -> str:
    """The interval, ``unbounded``, or nothing where there is none.

    Parameters
    ----------
    row : EndpointEstimate
        Of any status.
    digits : int
        Significant digits.
    """
    if row.lower is None and row.upper is None:
        return "unbounded" if row.status == "unbounded" else ""
    upper = "∞" if row.upper is None else number_text(row.upper, digits=digits)
    if row.lower is None:
        return f"up to {upper}" if row.versus is None else f"−∞ to {upper}"
    return f"{number_text(row.lower, digits=digits)} to {upper}"


def list_remarks(row: EndpointEstimate) -> tuple[str, ...]:
    """The parts of the reason, with "the arm" and "the control" for their names.

    What is remarked of many arms is then one remark.

    Parameters
    ----------
    row : EndpointEstimate
        Of any status.
    """
    reason = row.reason.replace(f"'{row.arm}'", "the arm")
    if row.versus is not None:
        reason = reason.replace(f"'{row.versus}'", "the control")
    return tuple(filter(None, reason.split("; ")))

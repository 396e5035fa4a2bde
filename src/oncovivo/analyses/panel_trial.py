"""A mouse clinical trial from a file: effects over lines and in subgroups, events, responses."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from oncovivo.analyses.contract import contract, input_digest
from oncovivo.endpoints.mrecist import Rule
from oncovivo.errors import DataError, FileFormatError, InputError
from oncovivo.numerics.multiple_testing import holm
from oncovivo.panels.compute import compute_panel
from oncovivo.panels.panel import Panel
from oncovivo.panels.trial_data import (
    LIMIT_MM3,
    LowReadings,
    TrialBaseline,
    TrialData,
    trial_data,
)
from oncovivo.panels.trial_events import TrialHazard, trial_events, trial_hazards
from oncovivo.panels.trial_model import fit_trial
from oncovivo.panels.trial_response import (
    ResponseComparison,
    compare_group_responses,
    compare_responses,
)
from oncovivo.panels.trial_result import TrialFit
from oncovivo.provenance import InputFile

if TYPE_CHECKING:
    import pandas as pd

    from oncovivo.panels.result import PanelResult

__all__ = [
    "PanelTrial",
    "PanelTrialOptions",
    "SubgroupTrial",
    "TreatmentTrial",
    "marker_groups",
    "panel_trial",
    "panel_trial_contract",
    "read_marker_groups",
    "trial_frame",
]

SCHEMA: Final = "oncovivo.panel_trial/1"
TUMOR_TYPE: Final = "tumor_type"
# A column with more values than this is a measurement, not a grouping.
_MOST_GROUPS: Final = 8
_MUTATED: Final = "Mut"


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelTrialOptions:
    """What is asked of a panel.

    Parameters
    ----------
    control : str
        Arm that others are compared with.
    treatments : tuple of str
        The others; each is analysed in the lines that have animals under it and the control.
    by_tumor_type : bool
        Whether tumor types are subgroups.
    baseline, low, limit_mm3, last_day, baseline_day
        As in :func:`oncovivo.panels.trial_data`.
    rule : {"published_text", "published_table"}
        Which readings mRECIST counts.
    multiple : float
        Of the first volume, for the time to it.
    level : float
        Of intervals.
    """

    control: str
    treatments: tuple[str, ...]
    by_tumor_type: bool = False
    baseline: TrialBaseline = "own_intercept"
    low: LowReadings = "at_limit"
    limit_mm3: float = LIMIT_MM3
    last_day: float | None = None
    baseline_day: float | None = None
    rule: Rule = "published_text"
    multiple: float = 2.0
    level: float = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupTrial:
    """A treatment in subgroups of lines.

    Parameters
    ----------
    by : str
        ``tumor_type``, or the marker.
    fit : TrialFit or None
        Model with an effect for each subgroup; None where it cannot be fitted.
    responses : tuple of ResponseComparison
        Rates of response to the treatment, each subgroup against the first.
    reason : str
        Why there is no fit.
    """

    by: str
    fit: TrialFit | None
    responses: tuple[ResponseComparison, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatmentTrial:
    """One treatment of a panel against the control.

    Parameters
    ----------
    treatment : str
        Its name.
    fit : TrialFit or None
        Model over all lines; None where it cannot be fitted.
    subgroups : tuple of SubgroupTrial
        By tumor type and by marker, as asked for.
    hazards : tuple of TrialHazard
        Of the time to the multiple, in three forms.
    responses : tuple of ResponseComparison
        Treatment against control in the same lines.
    reason : str
        Why there is no fit.
    """

    treatment: str
    fit: TrialFit | None
    subgroups: tuple[SubgroupTrial, ...]
    hazards: tuple[TrialHazard, ...]
    responses: tuple[ResponseComparison, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelTrial:
    """A mouse clinical trial.

    Parameters
    ----------
    options : PanelTrialOptions
        What was asked.
    markers : tuple of str
        Markers whose groups were compared.
    treatments : tuple of TreatmentTrial
        In the order asked for.
    simulated : bool
        Whether numbers come from a simulation.
    """

    options: PanelTrialOptions
    markers: tuple[str, ...]
    treatments: tuple[TreatmentTrial, ...]
    simulated: bool

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def panel_trial(
    panel: Panel,
    options: PanelTrialOptions,
    *,
    markers: Mapping[str, Mapping[str, str]] | None = None,
    progress: Callable[[str], None] | None = None,
) -> PanelTrial:
    """Each treatment of a panel against the control: growth rates, events, responses, subgroups.

    Parameters
    ----------
    panel : Panel
        From :func:`oncovivo.panels.read_panel`.
    options : PanelTrialOptions
        What is asked.
    markers : mapping of str to mapping of str to str, optional
        By marker the group of each line by name.
    progress : callable, optional
        Called with words on what is done.

    Raises
    ------
    InputError
        If an arm is not in the panel or a choice is unknown.
    """
    markers = markers or {}
    known = set(panel.labels["treatment"])
    for name in (options.control, *options.treatments):
        if name not in known:
            listed = ", ".join(sorted(known)[:8]) + (", …" if len(known) > 8 else "")
            raise InputError(f"a treatment of the panel: {listed}", found=repr(name))
    if len(set(options.treatments)) < len(options.treatments) or not options.treatments:
        named = ", ".join(options.treatments) or "none"
        raise InputError("treatments, each once", found=named)
    if options.control in options.treatments:
        raise InputError("treatments other than the control", found=repr(options.control))
    responses = compute_panel(panel, rule=options.rule, baseline_day=options.baseline_day)
    found: list[TreatmentTrial] = []
    for treatment in options.treatments:
        if progress is not None:
            progress(treatment)
        found.append(_one_treatment(panel, responses, treatment, options, markers))
    return PanelTrial(
        options=options,
        markers=tuple(markers),
        treatments=_with_holm(tuple(found)),
        simulated=panel.simulated,
    )


def _one_treatment(
    panel: Panel,
    result: PanelResult,
    treatment: str,
    options: PanelTrialOptions,
    markers: Mapping[str, Mapping[str, str]],
) -> TreatmentTrial:
    evaluable = set(result.matrix().columns)
    paired: tuple[ResponseComparison, ...] = ()
    if {options.control, treatment} <= evaluable:
        paired = compare_responses(
            result, control=options.control, treatment=treatment, level=options.level
        )
    events = trial_events(
        panel,
        control=options.control,
        treatments=[treatment],
        multiple=options.multiple,
        baseline_day=options.baseline_day,
    )
    hazards = trial_hazards(events, level=options.level)
    try:
        data = trial_data(
            panel,
            control=options.control,
            treatments=[treatment],
            baseline=options.baseline,
            low=options.low,
            limit_mm3=options.limit_mm3,
            last_day=options.last_day,
            baseline_day=options.baseline_day,
        )
        fit = fit_trial(data, level=options.level)
    except DataError as problem:
        return TreatmentTrial(
            treatment=treatment,
            fit=None,
            subgroups=(),
            hazards=hazards,
            responses=paired,
            reason=str(problem),
        )
    groupings: dict[str, Mapping[str, str]] = {}
    if options.by_tumor_type:
        groupings[TUMOR_TYPE] = dict(zip(data.lines, data.tumor_types, strict=True))
    groupings.update(markers)
    return TreatmentTrial(
        treatment=treatment,
        fit=fit,
        subgroups=tuple(
            _subgroup(data, result, treatment, by, groups, options, evaluable)
            for by, groups in groupings.items()
        ),
        hazards=hazards,
        responses=paired,
    )


def _subgroup(
    data: TrialData,
    result: PanelResult,
    treatment: str,
    by: str,
    groups: Mapping[str, str],
    options: PanelTrialOptions,
    evaluable: set[str],
) -> SubgroupTrial:
    rates: tuple[ResponseComparison, ...] = ()
    if treatment in evaluable:
        rates = compare_group_responses(
            result, treatment=treatment, groups=groups, level=options.level
        )
    labels = [groups.get(line, "") for line in data.lines]
    try:
        fit = fit_trial(data, groups=labels, level=options.level)
    except DataError as problem:
        return SubgroupTrial(by=by, fit=None, responses=rates, reason=str(problem))
    return SubgroupTrial(by=by, fit=fit, responses=rates)


def _with_holm(treatments: tuple[TreatmentTrial, ...]) -> tuple[TreatmentTrial, ...]:
    """Effects over all lines with Holm-adjusted p-values over the treatments."""
    fitted = [one.fit for one in treatments if one.fit is not None]
    p_values = np.array([fit.effects[0].p_value for fit in fitted], dtype=np.float64)
    if len(fitted) < 2:
        return treatments
    adjusted = iter(holm(p_values).tolist())
    found: list[TreatmentTrial] = []
    for one in treatments:
        if one.fit is None:
            found.append(one)
            continue
        effect = replace(one.fit.effects[0], p_holm=next(adjusted))
        found.append(replace(one, fit=replace(one.fit, effects=(effect,))))
    return tuple(found)


def marker_groups(values: Mapping[str, object], *, marker: str) -> dict[str, str]:
    """Group of each line from a column of a table of features.

    A column in which some value starts with or contains ``Mut`` is one of mutation calls: such
    lines are ``mutated``, all others with a value ``not mutated`` (a copy-number call alone is no
    mutation). Any other column needs at most eight different values, which are the groups.

    Parameters
    ----------
    values : mapping of str to object
        Value of each line by name; missing ones leave the line without group.
    marker : str
        Name, for messages.

    Raises
    ------
    DataError
        If all lines have one value, or there are too many different ones.

    Examples
    --------
    >>> marker_groups({"L1": "0", "L2": "MutNovel", "L3": None}, marker="TP53")
    {'L1': 'not mutated', 'L2': 'mutated'}
    """
    text = {line: _text(value) for line, value in values.items()}
    text = {line: word for line, word in text.items() if word}
    if any(_MUTATED in word for word in text.values()):
        text = {
            line: "mutated" if _MUTATED in word else "not mutated" for line, word in text.items()
        }
    distinct = len(set(text.values()))
    if distinct < 2:
        expected = "a marker that differs among lines"
        raise DataError(expected, found=f"{distinct} value", where=f"marker {marker}")
    if distinct > _MOST_GROUPS:
        raise DataError(
            f"a marker with at most {_MOST_GROUPS} different values",
            found=f"{distinct}",
            where=f"marker {marker}",
            mend="group a measurement first, or use oncovivo markers",
        )
    return text


def _text(value: object) -> str:
    """A cell as a word; empty where missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).strip()


def read_marker_groups(path: Path, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Groups of lines by marker, from a table with a row for each line.

    Parameters
    ----------
    path : Path
        CSV or TSV with a column ``model`` and one for each marker.
    names : sequence of str
        The markers.

    Raises
    ------
    FileFormatError
        If the file cannot be read, or a column is missing.
    DataError
        If a line has two rows, or a marker cannot group.
    """
    import pandas as pd

    try:
        separator = "\t" if path.suffix.lower() == ".tsv" else ","
        table = pd.read_csv(path, sep=separator, dtype=str, encoding="utf-8-sig")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as err:
        expected = "a table with a header"
        raise FileFormatError(expected, found=str(err).splitlines()[0], where=path.name) from err
    for name in ("model", *names):
        if name not in table.columns:
            listed = ", ".join(str(column) for column in table.columns[:8])
            raise FileFormatError(f"a column {name}", found=f"columns {listed}", where=path.name)
    twice = table["model"][table["model"].duplicated()]
    if not twice.empty:
        raise DataError("one row for each line", found=f"{twice.iloc[0]} twice", where=path.name)
    lines = [str(line) for line in table["model"]]
    return {
        name: marker_groups(dict(zip(lines, table[name].tolist(), strict=True)), marker=name)
        for name in names
    }


def panel_trial_contract(
    result: PanelTrial, source: Path, features: Path | None = None
) -> dict[str, object]:
    """The JSON contract of ``oncovivo panel FILE --treatments``.

    Parameters
    ----------
    result : PanelTrial
        The trial.
    source : Path
        The panel's file.
    features : Path, optional
        The markers' file.
    """
    digest: InputFile | None = None if features is None else input_digest(features)
    options = asdict(result.options)
    options["features"] = (
        None if digest is None else {"name": digest.name, "sha256": digest.sha256}
    )
    options["markers"] = list(result.markers)
    content = {
        "control": result.options.control,
        "treatments": [asdict(one) for one in result.treatments],
        "simulated": result.simulated,
    }
    return contract(SCHEMA, source=input_digest(source), options=options, content=content)


def trial_frame(result: PanelTrial) -> pd.DataFrame:
    """A row for each treatment × subgroup effect, and one for each line's.

    Parameters
    ----------
    result : PanelTrial
        The trial.
    """
    import pandas as pd

    rows: list[dict[str, object]] = []
    for one in result.treatments:
        fits = [("", one.fit), *((part.by, part.fit) for part in one.subgroups)]
        for by, fit in fits:
            if fit is None:
                continue
            rows.extend(
                {"kind": "effect", "by": by, "line": None, **asdict(effect)}
                for effect in fit.effects
            )
            if not by:
                rows.extend(
                    {
                        "kind": "line",
                        "by": by,
                        "line": line.line,
                        "treatment": line.treatment,
                        "group": line.tumor_type,
                        "n_lines": 1,
                        "n_animals": line.n_control + line.n_treated,
                        "estimate": line.shrunken,
                        "std_error": line.prediction_error,
                        "lower": line.lower,
                        "upper": line.upper,
                        "raw": line.raw,
                        "raw_std_error": line.raw_std_error,
                    }
                    for line in fit.line_effects
                )
    return pd.DataFrame(rows)

"""Markers of lines against how the lines respond: files in, associations and a prediction out.

The response is the effect of a treatment on the growth rate of each line, against the controls of
the same line, as the mixed model of :mod:`oncovivo.panels` estimates it line by line; or a column
of a table with one row per line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from oncovivo.analyses.contract import contract, input_digest
from oncovivo.analyses.marker_responses import (
    AskedResponse,
    ResponseOptions,
    panel_control,
    panel_responses,
    table_responses,
)
from oncovivo.biomarkers.association import (
    AssociationMethod,
    LineMatch,
    associate,
    match_lines,
)
from oncovivo.biomarkers.association_result import Association, LineResponse
from oncovivo.biomarkers.association_task import FEWEST_LINES, MarkerScale
from oncovivo.biomarkers.discovery import DiscoveryMethod, q_values
from oncovivo.biomarkers.feature_files import read_features
from oncovivo.biomarkers.features import FeatureTable, feature_table, join_features
from oncovivo.biomarkers.learners import Learner, check_extra
from oncovivo.biomarkers.prediction import Prediction
from oncovivo.biomarkers.predictive import PredictiveMarkers, predictive_markers
from oncovivo.biomarkers.response_prediction import predict_response
from oncovivo.errors import DataError, InputError
from oncovivo.panels import Panel
from oncovivo.provenance import InputFile, seed_of

__all__ = [
    "FeatureFile",
    "MarkerAnalysis",
    "MarkerOptions",
    "TreatmentMarkers",
    "analyse_markers",
]

SCHEMA: Final = "oncovivo.markers/1"
_ADJUST: Final = "tumor_type"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerOptions:
    """What is asked of markers.

    Parameters
    ----------
    responses : ResponseOptions
        Which responses of which lines.
    markers : tuple of str
        These markers only; all where none is named.
    method : str, optional
        As :func:`oncovivo.biomarkers.associate` has it; weighted where responses have standard
        errors, else unweighted.
    scale : {"unit", "sd"}
        Of slopes.
    adjust : tuple of str
        Markers, or ``tumor_type``, that lines are compared within.
    measured_after : tuple of str
        Markers that were measured after treatment.
    permutations : int
        Relabelings behind permutation p-values; 0 for none.
    discovery : {"bh", "by", "storey"}
        How q-values are made, over all markers and treatments.
    interaction : bool
        Whether prognostic markers are told from predictive ones; takes a panel.
    predict : {"elastic_net", "forest"}, optional
        Learner of a cross-validated prediction from all markers together; takes one treatment.
    prediction_permutations : int
        Relabelings behind the p-value of the prediction.
    seed : int, optional
        Else from the digests of the files.
    """

    responses: ResponseOptions = field(default_factory=ResponseOptions)
    markers: tuple[str, ...] = ()
    method: AssociationMethod | None = None
    scale: MarkerScale = "unit"
    adjust: tuple[str, ...] = ()
    measured_after: tuple[str, ...] = ()
    permutations: int = 0
    discovery: DiscoveryMethod = "bh"
    interaction: bool = False
    predict: Learner | None = None
    prediction_permutations: int = 0
    seed: int | None = None

    def to_dict(self) -> dict[str, object]:
        """All options, ready for JSON."""
        flat = asdict(self)
        flat = {**flat.pop("responses"), **flat}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in flat.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureFile:
    """A file of markers: name, digest, numbers of lines and markers, and what was odd in it."""

    name: str
    sha256: str
    n_lines: int
    n_markers: int
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TreatmentMarkers:
    """A treatment and its markers.

    Parameters
    ----------
    treatment : str
        Its name; empty where the table of responses names none.
    response : LineResponse
        Of the lines.
    features : FeatureTable
        The markers of those lines, for figures.
    associations : tuple of Association
        One for each marker.
    interaction : PredictiveMarkers or None
        Predictive and prognostic markers, where asked for.
    without_markers, without_response : tuple of str
        Lines that are in one table only.
    notes : tuple of str
        What else to know.
    """

    treatment: str
    response: LineResponse
    features: FeatureTable
    associations: tuple[Association, ...]
    interaction: PredictiveMarkers | None
    without_markers: tuple[str, ...]
    without_response: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarkerAnalysis:
    """What markers say of response.

    Parameters
    ----------
    source : InputFile
        File of the responses.
    files : tuple of FeatureFile
        Files of the markers.
    options : MarkerOptions
        With the method that was taken.
    control : str or None
        Control treatment; None for a table of responses.
    seed : int
        Of permutations and folds.
    treatments : tuple of TreatmentMarkers
        In the order asked for.
    prediction : Prediction or None
        Where asked for.
    simulated : bool
        Whether the responses come from a simulation.
    """

    source: InputFile
    files: tuple[FeatureFile, ...]
    options: MarkerOptions
    control: str | None
    seed: int
    treatments: tuple[TreatmentMarkers, ...]
    prediction: Prediction | None
    simulated: bool

    @property
    def associations(self) -> tuple[tuple[str, Association], ...]:
        """Treatment and association; prognostic and predictive ones after the others."""
        found = [
            (one.treatment, association)
            for one in self.treatments
            for association in one.associations
        ]
        for one in self.treatments:
            if one.interaction is not None:
                found += [
                    (one.treatment, association)
                    for association in (*one.interaction.predictive, *one.interaction.prognostic)
                ]
        return tuple(found)

    def to_dict(self) -> dict[str, object]:
        """The JSON contract."""
        return contract(
            SCHEMA,
            source=self.source,
            options=self.options.to_dict(),
            seed=self.seed,
            content={
                "features": [
                    {**asdict(file), "remarks": list(file.remarks)} for file in self.files
                ],
                "simulated": self.simulated,
                "control": self.control,
                "treatments": [
                    {
                        "treatment": one.treatment,
                        "response": one.response.label,
                        "outcome": one.response.outcome,
                        "n_lines": int(np.isfinite(one.response.effect).sum()),
                        "lines_without_markers": list(one.without_markers),
                        "lines_without_response": list(one.without_response),
                        "notes": list(one.notes),
                    }
                    for one in self.treatments
                ],
                "associations": [
                    {"treatment": treatment, **association.to_dict()}
                    for treatment, association in self.associations
                ],
                "prediction": None if self.prediction is None else self.prediction.to_dict(),
            },
            warnings=tuple(
                {"code": "remark", "message": remark, "arm": None, "animal_id": None, "rows": []}
                for file in self.files
                for remark in file.remarks
            ),
        )


def analyse_markers(
    path: Path,
    features: Sequence[Path],
    options: MarkerOptions,
    *,
    panel: Callable[[], Panel],
    progress: Callable[[str], None] = lambda _: None,
) -> MarkerAnalysis:
    """Every marker against the response of the lines to every treatment.

    Parameters
    ----------
    path : Path
        Panel of growth curves, or table of responses with ``options.response``.
    features : sequence of Path
        Tables of markers by line.
    options : MarkerOptions
        What is asked.
    panel : callable
        Reads the panel; called where the file is one.
    progress : callable
        Called with the name of each stage.

    Raises
    ------
    FileFormatError
        If a file cannot be read or lacks a column.
    InputError
        If an option does not fit the files, or another option.
    DataError
        If no treatment has enough lines with markers.
    MissingExtraError
        If scikit-learn is not installed and a prediction is asked for.
    """
    _check_options(options)
    progress("markers")
    table, files = _features(features, options)
    chosen = table.select(_markers(table, options))
    progress("responses")
    wanted = options.responses
    control: str | None = None
    if wanted.response is None:
        curves = panel()
        control, simulated = panel_control(curves, wanted), curves.simulated
        found, types = panel_responses(curves, control, table.lines, wanted)
    else:
        simulated = False
        found, types = table_responses(path, table.lines, wanted)
    if options.predict is not None and len(found) != 1:
        raise InputError(
            "one treatment for a prediction",
            found=f"{len(found)}: {', '.join(one.treatment for one in found)}",
            mend="name one with --treatment",
        )
    source = input_digest(path)
    digests = (source.sha256, *(file.sha256 for file in files))
    seed = seed_of("".join(digests)) if options.seed is None else options.seed
    rng = np.random.default_rng(seed)
    method: AssociationMethod = options.method or (
        "weighted" if all(one.response.std_error is not None for one in found) else "unweighted"
    )
    covariates = _covariates(table, options, types)
    treatments: list[TreatmentMarkers] = []
    refusals: list[DataError] = []
    for one in found:
        progress(f"associations {one.treatment}".strip())
        match = match_lines(one.response, chosen)
        try:
            associations, interaction = _of_treatment(
                one, chosen, match, covariates, method, options, rng
            )
        except DataError as err:
            refusals.append(err)
            associations = _without_numbers(chosen, method, len(match.lines), wanted.level, err)
            interaction = None
        treatments.append(
            TreatmentMarkers(
                treatment=one.treatment,
                response=one.response,
                features=chosen,
                associations=associations,
                interaction=interaction,
                without_markers=match.only_response,
                without_response=match.only_features,
                notes=one.notes,
            )
        )
    if len(refusals) == len(found):
        raise refusals[0]
    prediction = None
    if options.predict is not None:
        progress("prediction")
        prediction = predict_response(
            treatments[0].response,
            chosen,
            rng=rng,
            model=options.predict,
            permutations=options.prediction_permutations,
        )
    return MarkerAnalysis(
        source=source,
        files=files,
        options=replace(options, method=method),
        control=control,
        seed=seed,
        treatments=_one_family(treatments, options.discovery),
        prediction=prediction,
        simulated=simulated,
    )


def _check_options(options: MarkerOptions) -> None:
    """Refuse what does not go together, and a learner that is not there, before any work."""
    wanted = options.responses
    if wanted.response is None:
        if wanted.std_error is not None:
            raise InputError(
                "a column of responses beside that of their standard errors",
                found="--std-error alone",
                mend="name it with --response",
            )
    elif wanted.control is not None:
        raise InputError(
            "a control with growth curves",
            found=f"the column {wanted.response}, whose responses are made already",
            mend="leave --control or --response out",
        )
    elif options.interaction:
        raise InputError(
            "growth curves of treated and control animals to tell prognostic from predictive",
            found=f"the column {wanted.response}",
            mend="give the panel's file and leave --response out",
        )
    both = [name for name in options.markers if name in options.adjust]
    if both:
        raise InputError(
            "markers other than those that lines are compared within",
            found=f"{both[0]!r} as both",
            mend="leave it out of --marker or --adjust",
        )
    if options.predict is not None:
        check_extra()


def _of_treatment(
    one: AskedResponse,
    chosen: FeatureTable,
    match: LineMatch,
    covariates: FeatureTable | None,
    method: AssociationMethod,
    options: MarkerOptions,
    rng: np.random.Generator,
) -> tuple[tuple[Association, ...], PredictiveMarkers | None]:
    """Associations with the response to one treatment, and the interaction where asked for."""
    if len(match.lines) < FEWEST_LINES:
        raise DataError(
            f"{FEWEST_LINES} lines or more with a response{_to(one.treatment)} and markers",
            found=f"{len(match.lines)} ({match.words})",
            mend="give markers of these lines, or responses of others",
        )
    level = options.responses.level
    associations = associate(
        one.response,
        chosen,
        adjust=covariates,
        permutations=options.permutations,
        rng=rng,
        method=method,
        scale=options.scale,
        discovery=options.discovery,
        level=level,
    )
    if not options.interaction or one.pairs is None:
        return associations, None
    return associations, predictive_markers(
        one.pairs,
        chosen,
        adjust=covariates,
        permutations=options.permutations,
        rng=rng,
        scale=options.scale,
        discovery=options.discovery,
        level=level,
    )


def _to(treatment: str) -> str:
    return f" to {treatment}" if treatment else ""


def _without_numbers(
    table: FeatureTable, method: str, n_lines: int, level: float, refusal: DataError
) -> tuple[Association, ...]:
    """Every marker with the reason why the treatment cannot be analyzed, and without numbers."""
    return tuple(
        Association(
            marker=name,
            analysis=method,
            n_lines=n_lines,
            status="undefined",
            reason=str(refusal),
            level=level,
        )
        for name in table.names
    )


def _features(
    paths: Sequence[Path], options: MarkerOptions
) -> tuple[FeatureTable, tuple[FeatureFile, ...]]:
    """Tables side by side; labels before names where there are several files."""
    if not paths:
        raise InputError("a file of markers", found="none", mend="give one with --features")
    tables: dict[str, FeatureTable] = {}
    files = []
    for path in paths:
        read = read_features(path)
        if path.stem in tables:
            raise InputError(
                "files of markers with names of their own",
                found=f"{path.stem} twice",
                mend="rename one; its name stands behind those of its markers",
            )
        tables[path.stem] = read
        digest = input_digest(path)
        files.append(
            FeatureFile(
                name=digest.name,
                sha256=digest.sha256,
                n_lines=len(read.lines),
                n_markers=len(read.features),
                remarks=read.remarks,
            )
        )
    table = next(iter(tables.values())) if len(tables) == 1 else join_features(tables)
    late = {name: table.features[table.position(name)].name for name in options.measured_after}
    if late:
        table = replace(
            table,
            features=tuple(
                replace(one, measured="after_treatment") if one.name in late else one
                for one in table.features
            ),
        )
    return table, tuple(files)


def _markers(table: FeatureTable, options: MarkerOptions) -> list[str]:
    """Markers that are asked about; covariates are none of them."""
    left = [name for name in options.markers or table.names if name not in options.adjust]
    if not left:
        raise InputError(
            "a marker beside those that lines are compared within",
            found="none",
            mend="name fewer with --adjust",
        )
    return left


def _covariates(
    table: FeatureTable, options: MarkerOptions, types: dict[str, str]
) -> FeatureTable | None:
    """What lines are compared within; tumor types are those of the responses, else a marker."""
    if not options.adjust:
        return None
    typed = any(types.values())
    named = [name for name in options.adjust if name != _ADJUST or not typed]
    parts = {}
    if _ADJUST in named and _ADJUST not in table.names:
        raise InputError(
            "tumor types of the lines",
            found="no column 'tumor_type' with the responses or the markers",
            mend="leave --adjust tumor_type out",
        )
    if named:
        parts["markers"] = table.select(named)
    if _ADJUST in options.adjust and typed:
        lines = sorted(types)
        parts["lines"] = feature_table(lines, {_ADJUST: [types[line] for line in lines]})
    return next(iter(parts.values())) if len(parts) == 1 else join_features(parts)


def _one_family(
    treatments: Sequence[TreatmentMarkers], discovery: DiscoveryMethod
) -> tuple[TreatmentMarkers, ...]:
    """Shares of false discoveries over all markers and treatments of the call.

    The interaction has families of its own: its predictive markers, and its prognostic ones.
    """
    found = _with_q([one.associations for one in treatments], discovery)
    told = [one.interaction for one in treatments if one.interaction is not None]
    predictive = iter(_with_q([one.predictive for one in told], discovery))
    prognostic = iter(_with_q([one.prognostic for one in told], discovery))
    return tuple(
        replace(
            treatment,
            associations=associations,
            interaction=None
            if treatment.interaction is None
            else replace(
                treatment.interaction, predictive=next(predictive), prognostic=next(prognostic)
            ),
        )
        for treatment, associations in zip(treatments, found, strict=True)
    )


def _with_q(
    families: Sequence[Sequence[Association]], discovery: DiscoveryMethod
) -> list[tuple[Association, ...]]:
    """Several lists of results with the q-values of all of them together."""
    everything = [one for part in families for one in part]
    p = np.array([np.nan if (value := one.p_for_q) is None else value for one in everything])
    q = iter(q_values(p, discovery).tolist())
    return [
        tuple(replace(one, q_value=None if np.isnan(value := next(q)) else value) for one in part)
        for part in families
    ]

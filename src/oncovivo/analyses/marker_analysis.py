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
    ResponseOptions,
    panel_control,
    panel_responses,
    table_responses,
)
from oncovivo.biomarkers.association import AssociationMethod, associate, match_lines
from oncovivo.biomarkers.association_result import Association, LineResponse
from oncovivo.biomarkers.association_task import FEWEST_LINES, MarkerScale
from oncovivo.biomarkers.discovery import DiscoveryMethod, q_values
from oncovivo.biomarkers.feature_files import read_features
from oncovivo.biomarkers.features import FeatureTable, feature_table, join_features
from oncovivo.biomarkers.learners import Learner
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
        If an option does not fit the files.
    DataError
        If no treatment has enough lines with markers.
    """
    progress("markers")
    table, files = _features(features, options)
    source = input_digest(path)
    digests = (source.sha256, *(file.sha256 for file in files))
    seed = seed_of("".join(digests)) if options.seed is None else options.seed
    rng = np.random.default_rng(seed)
    progress("responses")
    wanted = options.responses
    control: str | None = None
    if wanted.response is None:
        curves = panel()
        control, simulated = panel_control(curves, wanted), curves.simulated
        found, types = panel_responses(curves, control, table.lines, wanted)
    elif options.interaction:
        raise InputError(
            "growth curves of treated and control animals to tell prognostic from predictive",
            found=f"the column {wanted.response}",
            mend="give the panel's file and leave --response out",
        )
    else:
        simulated = False
        found, types = table_responses(path, table.lines, wanted)
    method: AssociationMethod = options.method or (
        "weighted" if all(one.response.std_error is not None for one in found) else "unweighted"
    )
    covariates = _covariates(table, options, types)
    chosen = table.select(_markers(table, options))
    treatments = []
    for one in found:
        progress(f"associations {one.treatment}".strip())
        match = match_lines(one.response, chosen)
        few = len(match.lines) < FEWEST_LINES
        if few and len(found) == 1:
            raise DataError(
                f"{FEWEST_LINES} lines or more with a response to {one.treatment or 'treatment'} "
                "and markers",
                found=f"{len(match.lines)}; {match.words}",
                mend="give markers of these lines, or name another treatment",
            )
        treatments.append(
            TreatmentMarkers(
                treatment=one.treatment,
                response=one.response,
                features=chosen,
                associations=_too_few(chosen, method, len(match.lines), wanted.level)
                if few
                else associate(
                    one.response,
                    chosen,
                    adjust=covariates,
                    permutations=options.permutations,
                    rng=rng,
                    method=method,
                    scale=options.scale,
                    discovery=options.discovery,
                    level=wanted.level,
                ),
                interaction=None
                if few or not options.interaction or one.pairs is None
                else predictive_markers(
                    one.pairs,
                    chosen,
                    permutations=options.permutations,
                    rng=rng,
                    scale=options.scale,
                    discovery=options.discovery,
                    level=wanted.level,
                ),
                without_markers=match.only_response,
                without_response=match.only_features,
                notes=one.notes,
            )
        )
    prediction = None
    if options.predict is not None:
        if len(treatments) != 1:
            raise InputError(
                "one treatment for a prediction",
                found=f"{len(treatments)}: {', '.join(one.treatment for one in treatments)}",
                mend="name one with --treatment",
            )
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


def _too_few(
    table: FeatureTable, method: str, n_lines: int, level: float
) -> tuple[Association, ...]:
    """Every marker without numbers: the treatment had other lines than the markers."""
    return tuple(
        Association(
            marker=name,
            analysis=method,
            n_lines=n_lines,
            status="undefined",
            reason=f"{n_lines} lines have a response to the treatment and markers",
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
                "files of markers with names of their own", found=f"{path.stem} twice"
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
    wanted = options.markers or table.names
    return [name for name in wanted if name not in options.adjust]


def _covariates(
    table: FeatureTable, options: MarkerOptions, types: dict[str, str]
) -> FeatureTable | None:
    """What lines are compared within."""
    if not options.adjust:
        return None
    named = [name for name in options.adjust if name != _ADJUST]
    parts = {}
    if named:
        parts["markers"] = table.select(named)
    if _ADJUST in options.adjust:
        if not any(types.values()):
            raise InputError("tumor types of the lines", found="none in the file of responses")
        lines = sorted(types)
        parts["lines"] = feature_table(lines, {_ADJUST: [types[line] for line in lines]})
    return next(iter(parts.values())) if len(parts) == 1 else join_features(parts)


def _one_family(
    treatments: Sequence[TreatmentMarkers], discovery: DiscoveryMethod
) -> tuple[TreatmentMarkers, ...]:
    """Shares of false discoveries over all markers and treatments of the call."""
    everything = [one for treatment in treatments for one in treatment.associations]
    p = np.array([np.nan if one.p_value is None else one.p_value for one in everything])
    q = iter(q_values(p, discovery).tolist())
    return tuple(
        replace(
            treatment,
            associations=tuple(
                replace(one, q_value=None if np.isnan(value) else value)
                for one, value in zip(treatment.associations, q, strict=False)
            ),
        )
        for treatment in treatments
    )

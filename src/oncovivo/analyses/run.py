"""The use cases: a project in, results out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

from oncovivo.analyses.bundle import Bundle, ScreenedSearch
from oncovivo.analyses.cache import ResultCache
from oncovivo.analyses.contract import contract
from oncovivo.analyses.kept_results import KeptResults
from oncovivo.analyses.project import GuideProject
from oncovivo.analyses.study_names import study_source
from oncovivo.evidence import evaluate_claims, flatten
from oncovivo.evidence.lint import RULES, RULES_OF_RESULTS, Disagreement, Finding, lint
from oncovivo.provenance import InputFile, Provenance, package_versions

if TYPE_CHECKING:
    from oncovivo.analyses.one_estimand import TumorEstimands


__all__ = ["lint_project", "lint_summary", "run"]


def lint_project(
    project: GuideProject, estimands: Sequence[TumorEstimands] | None = None
) -> tuple[Finding, ...]:
    """What the linter finds in a project, waivers applied.

    Parameters
    ----------
    project : GuideProject
        The project.
    estimands : sequence of TumorEstimands, optional
        Results of a build; without them the rules that need results do not run.
    """
    case = project.lint_input()
    if estimands is None:
        return lint(case, rules=[rule for rule in RULES if rule not in RULES_OF_RESULTS])
    return lint(replace(case, disagreements=_disagreements(estimands)))


def _disagreements(estimands: Sequence[TumorEstimands]) -> tuple[Disagreement, ...]:
    """Simulations whose limits and a study's have no value in common."""
    found = []
    for tumor in estimands:
        rows = {row.row_id: row for row in tumor.rows}
        for agreement in tumor.agreement:
            if agreement.verdict != "disagrees":
                continue
            simulated, measured = rows[agreement.simulation], rows[agreement.study]
            words = [
                f"{one.rate:.4f} per day ({one.rate_lower:.4f} to {one.rate_upper:.4f})"
                for one in (simulated, measured)
            ]
            found.append(
                Disagreement(
                    tumor=tumor.tumor or "no tumor type",
                    treatment=agreement.treatment,
                    simulation=simulated.origin,
                    study=measured.origin,
                    simulated=words[0].replace("-", "−"),
                    measured=words[1].replace("-", "−"),
                )
            )
    return tuple(found)


def lint_summary(project: GuideProject, findings: Sequence[Finding]) -> dict[str, object]:
    """The findings as the JSON contract of ``oncovivo evidence lint`` has them."""
    standing = sum(not finding.waived for finding in findings)
    return contract(
        "oncovivo.lint/1",
        source=InputFile(name=project.folder.name, sha256=project.digest),
        options={"folder": str(project.folder)},
        content={
            "findings": [finding.to_dict() for finding in findings],
            "standing": standing,
            "waived": len(findings) - standing,
        },
    )


def run(
    project: GuideProject,
    *,
    built: date,
    progress: Callable[[str], None] = lambda _: None,
    cache: ResultCache | None = None,
) -> Bundle:
    """All results of a guide project.

    Parameters
    ----------
    project : GuideProject
        The project.
    built : date
        The date that the guide prints.
    progress : callable, optional
        Called with the name of each stage before it starts.
    cache : ResultCache, optional
        Where studies and simulations are kept; without one they are computed.

    Raises
    ------
    ProjectError
        If a study or a diagram cannot be read, a simulation cannot run, or a claim names a source
        that does not exist.
    """
    from oncovivo.analyses.conclusions import rank_combinations, rank_markers, rank_tumors
    from oncovivo.analyses.design_protocol import build_protocol
    from oncovivo.analyses.evidence_pools import pool_evidence
    from oncovivo.analyses.guide_markers import run_markers
    from oncovivo.analyses.one_estimand import one_estimand
    from oncovivo.analyses.pool_rows import pool_rows, pool_source, pooled_slot
    from oncovivo.analyses.simulation_results import run_simulations, simulation_rows
    from oncovivo.analyses.study_results import analyse_studies
    from oncovivo.analyses.study_rows import study_rows

    results = KeptResults(project, cache or ResultCache())
    simulations = run_simulations(
        project.simulations, folder=project.folder, progress=progress, kept=results.simulation
    )
    progress("studies")
    studies = analyse_studies(
        project.studies,
        folder=project.folder,
        identifiers=project.identifiers,
        kept=results.study,
    )
    markers = run_markers(
        project.markers, folder=project.folder, progress=progress, kept=results.markers
    )
    progress("claims")
    works = project.library.works()
    compound = project.settings.compound
    pools = pool_evidence(project.records, project.effects, compound=compound, works=works)
    sources = {
        "evidence": tuple(flatten(record) for record in project.records),
        **{
            study_source(study.id): tuple(row.cells() for row in study_rows(study))
            for study in studies
        },
        **{placed.source: simulation_rows(placed.result) for placed in simulations},
        **{
            pool_source(found.tumor): tuple(row.cells() for row in pool_rows(found))
            for found in pools
        },
    }
    claims = evaluate_claims(
        project.claims,
        sources,
        works=works,
        simulated={study_source(study.id) for study in studies if study.simulated},
        pooled=lambda rows: pooled_slot(
            rows, project.records, project.effects, compound=compound, works=works
        ),
    )
    progress("effects")
    known = project.identifiers.compounds.get(compound)
    estimands = one_estimand(
        compound=compound,
        names=() if known is None else (known.name, *known.synonyms),
        studies=studies,
        records=project.records,
        effects=project.effects,
        simulations=simulations,
    )
    conclusions = (
        rank_tumors(estimands, obstacles={one.tumor: one.found.reason for one in pools}),
        rank_combinations(studies),
        rank_markers(markers),
    )
    protocol = None
    if project.protocol is not None:
        progress("protocol")
        # A guide is public: the seed would tell the arms to those who are blinded.
        protocol = results.protocol(
            project.protocol, partial(build_protocol, project.protocol, blinded=True)
        )
    progress("lint")
    findings = lint_project(project, estimands)
    return Bundle(
        settings=project.settings,
        texts=project.texts,
        diagrams=project.diagrams,
        records=project.records,
        library=project.library,
        identifiers=project.identifiers,
        claims=claims,
        findings=findings,
        waivers=project.waivers,
        studies=studies,
        simulations=simulations,
        markers=markers,
        pools=pools,
        estimands=estimands,
        conclusions=conclusions,
        ratings=project.ratings,
        screening=None
        if project.screening is None
        else ScreenedSearch(flow=project.screening.flow, agreement=project.screening.agreement),
        protocol=protocol,
        provenance=Provenance(
            date=built.isoformat(), inputs=project.inputs, versions=package_versions()
        ),
    )

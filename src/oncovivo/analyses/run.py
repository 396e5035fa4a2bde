"""The use cases: a project in, results out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from oncovivo.analyses.bundle import Bundle, ScreenedSearch
from oncovivo.analyses.contract import contract
from oncovivo.analyses.evidence_pools import pool_evidence
from oncovivo.analyses.pool_rows import pool_rows, pool_source, pooled_slot
from oncovivo.analyses.project import GuideProject
from oncovivo.analyses.simulation_results import run_simulations, simulation_rows
from oncovivo.analyses.study_names import study_source
from oncovivo.analyses.study_results import analyse_studies
from oncovivo.analyses.study_rows import study_rows
from oncovivo.evidence import evaluate_claims, flatten
from oncovivo.evidence.lint import Finding, lint
from oncovivo.provenance import InputFile, Provenance, package_versions

__all__ = ["lint_project", "lint_summary", "run"]


def lint_project(project: GuideProject) -> tuple[Finding, ...]:
    """What the linter finds in a project, waivers applied."""
    return lint(project.lint_input())


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
    project: GuideProject, *, built: date, progress: Callable[[str], None] = lambda _: None
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

    Raises
    ------
    ProjectError
        If a study or a diagram cannot be read, a simulation cannot run, or a claim names a source
        that does not exist.
    """
    simulations = run_simulations(project.simulations, folder=project.folder, progress=progress)
    progress("studies")
    studies = analyse_studies(
        project.studies, folder=project.folder, identifiers=project.identifiers
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
    progress("lint")
    findings = lint_project(project)
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
        pools=pools,
        ratings=project.ratings,
        screening=None
        if project.screening is None
        else ScreenedSearch(flow=project.screening.flow, agreement=project.screening.agreement),
        provenance=Provenance(
            date=built.isoformat(), inputs=project.inputs, versions=package_versions()
        ),
    )

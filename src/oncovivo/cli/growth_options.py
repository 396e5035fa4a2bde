"""Options of the mixed model of growth, which several commands fit."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

__all__ = [
    "BaselineOption",
    "CovariateOption",
    "DfOption",
    "GroupOption",
    "InterceptOption",
    "KnotsOption",
    "LikelihoodOption",
    "RandomOption",
    "ResidualOption",
    "TimeOption",
]

BaselineOption = Annotated[
    Literal["outcome", "ratio"],
    typer.Option(help="Baseline as a reading like the others, or sizes relative to it."),
]
InterceptOption = Annotated[
    Literal["common", "arm"],
    typer.Option(help="One start for all arms (randomized), or one for each."),
]
DfOption = Annotated[
    Literal["kr", "satterthwaite", "cr2"],
    typer.Option("--df", help="Kenward-Roger, Satterthwaite, or cluster-robust CR2."),
]
ResidualOption = Annotated[
    Literal["iid", "arm", "car1", "arm_car1", "animal"],
    typer.Option(help="Residuals: alike; a variance by arm; correlated in time; both; by animal."),
]
RandomOption = Annotated[
    Literal["intercept_slope", "intercept_slope_independent", "slope", "intercept"],
    typer.Option(help="What differs between animals."),
]
GroupOption = Annotated[
    list[str] | None,
    typer.Option("--group", metavar="FACTOR", help="Random level of a factor: cage; repeatable."),
]
CovariateOption = Annotated[
    list[str] | None,
    typer.Option(
        "--covariate", metavar="NAME", help="log_baseline, or a factor: cage; repeatable."
    ),
]
TimeOption = Annotated[
    Literal["linear", "piecewise", "spline"],
    typer.Option("--time", help="Shape of a group's log size in time."),
]
KnotsOption = Annotated[
    str | None,
    typer.Option("--knots", metavar="D,D", help="Days since baseline at which curves bend."),
]
LikelihoodOption = Annotated[
    Literal["REML", "ML"], typer.Option(help="Restricted or full maximum likelihood.")
]

"""Write the pages of docs/ that follow from the code or from simulations; a test compares them.

Run it as ``python docs/generate.py``.
"""

from __future__ import annotations

import importlib
import inspect
import json
import textwrap
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
SIMULATED = FOLDER.parent / "validation" / "growth"
SURVIVAL_SIMULATED = FOLDER.parent / "validation" / "survival"
COMBINATION_SIMULATED = FOLDER.parent / "validation" / "combination"
EVIDENCE_SIMULATED = FOLDER.parent / "validation" / "evidence"
DESIGN_SIMULATED = FOLDER.parent / "validation" / "design"
COMPARISONS = FOLDER.parent / "validation" / "comparisons"
PACKAGES = (
    "oncovivo",
    "oncovivo.guide",
    "oncovivo.analyses",
    "oncovivo.evidence",
    "oncovivo.evidence.lint",
    "oncovivo.evidence.meta",
    "oncovivo.evidence.quality",
    "oncovivo.evidence.screening",
    "oncovivo.evidence.vocabulary",
    "oncovivo.panels",
    "oncovivo.biomarkers",
    "oncovivo.mechanism",
    "oncovivo.mechanism.exchange",
    "oncovivo.mechanism.fit",
    "oncovivo.combination",
    "oncovivo.design",
    "oncovivo.growth",
    "oncovivo.growth.laws",
    "oncovivo.survival",
    "oncovivo.endpoints",
    "oncovivo.studies",
    "oncovivo.studies.check",
    "oncovivo.studies.leaving",
    "oncovivo.documents",
    "oncovivo.figures",
    "oncovivo.references",
    "oncovivo.provenance",
    "oncovivo.numerics",
    "oncovivo.tables",
    "oncovivo.texts",
    "oncovivo.units",
    "oncovivo.errors",
)
MADE = "<!-- made by docs/generate.py; do not edit -->\n\n"


def pages() -> dict[str, str]:
    """The generated pages by their place in docs/."""
    made = {
        "reference/records.md": _records(),
        "reference/checks.md": _checks(),
        "reference/lint.md": _lint(),
        "reference/python.md": _python(),
        "reference/commands.md": _commands(),
        "reference/mechanism-shipped.md": _mechanism(),
        "validation/growth.md": _growth_validation(),
        "validation/survival.md": _survival_validation(),
        "validation/combination.md": _combination_validation(),
        "validation/evidence.md": _evidence_validation(),
        "validation/design.md": _design_validation(),
        "validation/markers.md": _marker_validation(),
        "validation/mouse-trials.md": _trial_validation(),
        "validation/comparisons.md": _comparisons(),
        "validation/disagreements.md": _disagreements(),
    }
    return {place: MADE + "\n".join(lines) + "\n" for place, lines in made.items()}


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _records() -> Iterator[str]:
    from oncovivo.evidence import COLUMNS
    from oncovivo.evidence.vocabulary import WORD_LISTS

    yield "# Columns of evidence/records.csv"
    yield ""
    yield "UTF-8 without byte order mark, commas, one header row with exactly these columns. A"
    yield "cell of a column marked *state* holds the value or one of `not_reported`,"
    yield "`not_extracted`, `not_accessible`, `not_applicable`; a blank is allowed only where"
    yield "marked *blank*."
    yield ""
    yield "| column | holds | type | may be |"
    yield "| --- | --- | --- | --- |"
    for column in COLUMNS:
        kind = f"word of [{column.words}](#{column.words})" if column.words else column.kind
        allowed = {"state": column.states, "blank": column.blank}
        may = ", ".join(name for name, holds in allowed.items() if holds)
        yield f"| `{column.name}` | {_cell(column.text)} | {kind} | {may} |"
    used = {"state", *(column.words for column in COLUMNS)}
    for name, words in ((name, WORD_LISTS[name]) for name in WORD_LISTS if name in used):
        yield ""
        yield f"## {name}"
        yield ""
        yield "| word | meaning |"
        yield "| --- | --- |"
        for word, meaning in words.items():
            yield f"| `{word}` | {_cell(meaning)} |"


def _lint() -> Iterator[str]:
    from oncovivo.evidence.lint import RULES

    yield "# Lint rules"
    yield ""
    yield "`oncovivo evidence lint DIR` runs all of them. A finding that is accepted for a reason"
    yield "is waived in `evidence/waivers.csv` (`rule,subject,reason,date,by`); the guide prints"
    yield "every waiver."
    for rule in RULES:
        yield ""
        yield f"## {rule.id}: {rule.title}"
        yield ""
        yield f"Severity: {rule.severity}. To mend: {_cell(rule.mend)}."
        if rule.explanation:
            yield ""
            yield _cell(rule.explanation)


def _checks() -> Iterator[str]:
    from oncovivo.studies.check import check_reference

    yield "# Checks of study files"
    yield ""
    yield "`oncovivo study check FILE` runs all of them. Errors and warnings make the exit code 1;"
    yield "remarks (info) do not."
    for check in check_reference():
        yield ""
        yield f"## {check.code}: {check.title}"
        yield ""
        yield f"Severity: {check.severity}. To mend: {_cell(check.mend)}."
        if check.explanation:
            yield ""
            yield _cell(check.explanation)


def _python() -> Iterator[str]:
    yield "# Python"
    yield ""
    yield "The public names of each package. `help(name)` shows arguments, shapes and errors."
    for package in PACKAGES:
        module = importlib.import_module(package)
        yield ""
        yield f"## {package}"
        yield ""
        yield _cell((module.__doc__ or "").split("\n\n")[0])
        yield ""
        for name in module.__all__:
            value = getattr(module, name)
            first = (inspect.getdoc(value) or "").split("\n\n")[0]
            described = inspect.isclass(value) or inspect.isroutine(value)
            yield f"- `{name}`" + (f": {_cell(first)}" if described and first else "")


def _commands() -> Iterator[str]:
    from typer.main import get_command

    from oncovivo.cli.main import app

    yield "# Commands"
    yield ""
    yield "Every command prints a table, or one JSON object with `--json`. Exit codes: 0 success,"
    yield "1 findings, fallen claims or failed checks, 2 a wrong command line or malformed input,"
    yield "3 well-formed input that cannot carry the analysis, 130 stopped from the keyboard. An"
    yield "error is one line on stderr; `--debug` shows the traceback."
    yield from _command("oncovivo", get_command(app))


def _command(name: str, command: object) -> Iterator[str]:
    subcommands = getattr(command, "commands", {})
    if subcommands:
        for child, found in subcommands.items():
            yield from _command(f"{name} {child}", found)
        return
    yield ""
    yield f"## {name}"
    yield ""
    for paragraph in (getattr(command, "help", "") or "").split("\n\n"):
        yield _cell(paragraph)
        yield ""
    yield "| parameter | meaning |"
    yield "| --- | --- |"
    for parameter in getattr(command, "params", []):
        option = parameter.param_type_name == "option"
        names = parameter.opts if option else [parameter.metavar]
        shown = ", ".join(f"`{option}`" for option in names if option)
        yield f"| {shown} | {_cell(getattr(parameter, 'help', '') or '')} |"


PARTS = {
    "host": "Animal and tumor",
    "pk": "Exposure",
    "target": "Target",
    "pathway": "Pathway",
    "growth": "Growth laws",
    "effect": "Effects",
}


def _mechanism() -> Iterator[str]:
    from oncovivo.mechanism.blocks import read_block
    from oncovivo.mechanism.parameters import STATUSES, read_parameter_set
    from oncovivo.mechanism.toml_files import shipped_names

    yield "# Blocks and parameter sets that ship"
    yield from _paragraph(
        "What a [simulation file](mechanism-files.md) can name without a path. *Needs* are names",
        "that other blocks must give, *numbers* those that a parameter set or the file must.",
    )
    blocks = [read_block(name) for name in shipped_names("blocks")]
    for part, heading in PARTS.items():
        yield ""
        yield f"## {heading}"
        yield from _table(
            ("block", "what it is", "needs", "numbers", "source"),
            (
                (
                    f"`{block.name}`",
                    _cell(block.title),
                    ", ".join(f"`{name.name}`" for name in block.requires) or "–",
                    ", ".join(f"`{number.name}`" for number in block.parameters) or "–",
                    "–" if block.source == "none" else _cell(block.source),
                )
                for block in blocks
                if block.provides == part
            ),
        )
    sets = [read_parameter_set(name) for name in shipped_names("parameter_sets")]
    yield ""
    yield "## Parameter sets"
    yield from _paragraph(
        "How many of the numbers are measured, scaled from elsewhere, fitted to data, or assumed:",
    )
    yield from _table(
        ("set", "what it is", *STATUSES),
        (
            (
                f"`{one.name}`",
                _cell(one.title),
                *(
                    str(sum(value.status == status for value in one.values.values()))
                    for status in STATUSES
                ),
            )
            for one in sets
        ),
    )
    for one in sets:
        yield ""
        yield f"### {one.name}"
        yield from _table(
            ("number", "value", "status", "source", "note"),
            (
                (
                    f"`{name}`",
                    f"{value.value:g}" + ("" if value.unit == "1" else f" {value.unit}"),
                    value.status,
                    "–" if value.source == "none" else _cell(value.source),
                    _cell(value.note) or "–",
                )
                for name, value in one.values.items()
            ),
        )
        if one.sources:
            yield ""
            for key, citation in one.sources.items():
                yield f"- {key}: {_cell(citation)}"


def _simulated(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SIMULATED / name).read_text(encoding="utf-8"))
    return found


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield ""
    yield "| " + " | ".join(headings) + " |"
    yield "| --- " * len(headings) + "|"
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def _number(value: float, digits: int = 1) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


def _range(rows: Sequence[dict[str, Any]], key: str) -> str:
    """Smallest and largest of the rows, to one digit."""
    known = [row[key] for row in rows if row.get(key) is not None]
    if not known:
        return "–"
    low, high = _number(min(known)), _number(max(known))
    return low if low == high else f"{low}–{high}"


def _grouped(
    rows: list[dict[str, Any]], *keys: str
) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    """Rows with the same values of the keys, in order of these."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return dict(sorted(groups.items()))


def _paragraph(*sentences: str) -> Iterator[str]:
    yield ""
    yield from textwrap.wrap(" ".join(sentences), width=99, break_on_hyphens=False)


def _growth_validation() -> Iterator[str]:
    yield "# Growth models: simulated studies"
    yield from _paragraph(
        "What the methods of [growth](../background/growth.md) do in studies whose truth is",
        "known. Each table is made from a committed file in `validation/growth` that the script",
        "of the same name writes; tests hold the files to their limits and simulate some of the",
        "studies again.",
    )
    yield from _type_one()
    yield from _below_limit()
    yield from _leavers()


MODEL_WORDS = {
    "common": "default",
    "independent": "without the covariance of intercept and slope",
    "arm": "an intercept for each arm",
    "ratio": "ratio to the baseline",
}


def _type_one() -> Iterator[str]:
    made = _simulated("type_one.json")
    generator, every = made["generator"], made["rows"]
    rate = generator["rate_per_day"]
    plain = [row for row in every if row["test"] == "t and z"]
    null = [row for row in plain if row["rate_treated"] == rate]
    grid = [row for row in null if row["model"] == "common" and row["arms"] == 4]
    errors = [row["mc_error_pct"] for row in grid]
    scatter = " or ".join(f"{sd:g}" for sd in sorted({row["sd_reading"] for row in grid}))
    yield ""
    yield "## Type I error of treated − control"
    yield from _paragraph(
        f"All arms grow by {rate:g} per day from about {generator['v0_mm3']:g} mm³ (log SD",
        f"{generator['v0_log_sd']:g}). Animals' rates have the SD of the table, log readings one",
        f"of {scatter}; there are 5 readings (weekly) or 11 (every third day), and in half of the",
        f"cells an animal's first reading of {generator['size_limit_mm3']:g} mm³ or more is its",
        "last. The tables show percent of studies in which the true difference of the rates, 0,",
        f"is rejected at {_number(100 * (1 - made['level']), 0)} %, each question alone: the",
        "lowest and the highest over the cells of a line.",
        f"{_studies(grid)} a cell; Monte Carlo error",
        f"{_number(min(errors), 2)} to {_number(max(errors), 2)} points. *Singular* is the share",
        "of fits with a variance of zero or a correlation of one.",
    )
    yield from _paragraph("The default model, four arms:")
    yield from _table(
        ("n per arm", "SD of rates", "singular", "Kenward-Roger", "Satterthwaite", "z"),
        (
            (
                str(n),
                f"{sd:g}",
                _range(rows, "singular_pct"),
                _range(rows, "kr_pct"),
                _range(rows, "satterthwaite_pct"),
                _range(rows, "z_pct"),
            )
            for (n, sd), rows in _grouped(grid, "n", "sd_slope").items()
        ),
    )
    yield from _paragraph(
        "Where rates hardly differ between animals most fits are singular, and the test, whose",
        "degrees of freedom are then limited, is cautious. Three animals per arm can reject too",
        "often; the result says so, and an intercept for each arm or the bootstrap hold the",
        "level.",
    )
    yield from _paragraph("Other models and designs:")
    yield from _table(
        ("model", "arms", "n per arm", "SD of rates", "Kenward-Roger", "z", "Monte Carlo error"),
        (
            (
                MODEL_WORDS[model],
                str(arms),
                str(n),
                _spread(rows),
                _range(rows, "kr_pct"),
                _range(rows, "z_pct"),
                _largest_error(rows),
            )
            for (model, arms, n), rows in _grouped(
                [row for row in null if row not in grid], "model", "arms", "n"
            ).items()
        ),
    )
    yield from _paragraph(
        "With two arms alone, the common intercept makes the baselines a covariate that few",
        "animals must carry. With three or five animals in each of two arms take",
        "`--intercept arm`, or `--random intercept_slope_independent`.",
    )
    yield from _paragraph("The parametric bootstrap of the default model, in the same studies:")
    yield from _table(
        ("arms", "n", "readings", "size limit", "bootstrap", "Kenward-Roger", "Monte Carlo error"),
        (
            (
                str(row["arms"]),
                str(row["n"]),
                str(row["readings"]),
                "yes" if row["size_limit"] else "no",
                _number(row["bootstrap_pct"]),
                _number(row["kr_pct"]),
                _largest_error([row]),
            )
            for row in every
            if row["test"] == "bootstrap"
        ),
    )
    effect = [row for row in plain if row["rate_treated"] != rate]
    yield from _paragraph(
        f"Coverage of the {_number(100 * made['level'], 0)} % interval where the treated arm",
        f"grows by {effect[0]['rate_treated']:g} per day, with the size limit, percent:",
    )
    yield from _table(
        ("n per arm", "SD of rates", "left early", "coverage", "Monte Carlo error"),
        (
            (
                str(n),
                f"{sd:g}",
                _range(rows, "left_early_pct"),
                _range(rows, "coverage_pct"),
                _largest_error(rows),
            )
            for (n, sd), rows in _grouped(effect, "n", "sd_slope").items()
        ),
    )
    yield from _paragraph(
        "Every cell of the default model with four arms; where two numbers stand, without and",
        "with the size limit:",
    )
    yield from _table(
        ("n", "readings", "SD of readings", "SD of rates", "singular", "Kenward-Roger", "z"),
        (
            (
                *(f"{value:g}" for value in key),
                *(
                    " / ".join(_number(row[name]) for row in rows)
                    for name in ("singular_pct", "kr_pct", "z_pct")
                ),
            )
            for key, rows in _grouped(grid, "n", "readings", "sd_reading", "sd_slope").items()
        ),
    )


def _studies(rows: Sequence[dict[str, Any]]) -> str:
    low, high = min(row["studies"] for row in rows), max(row["studies"] for row in rows)
    return f"{low:,} studies" if low == high else f"{low:,} to {high:,} studies"


def _spread(rows: Sequence[dict[str, Any]]) -> str:
    known = sorted({row["sd_slope"] for row in rows})
    return f"{known[0]:g}" if len(known) == 1 else f"{known[0]:g} to {known[-1]:g}"


def _largest_error(rows: Sequence[dict[str, Any]]) -> str:
    return _number(max(row["mc_error_pct"] for row in rows), 2)


def _below_limit() -> Iterator[str]:
    made = _simulated("censored.json")
    generator, rows = made["generator"], made["rows"]
    below = [row["below_limit_pct"] for row in rows]
    days = generator["days"]
    yield ""
    yield "## Readings below the limit"
    yield from _paragraph(
        f"Two arms, growth from about {generator['v0_mm3']:g} mm³, {len(days)} readings to day",
        f"{days[-1]:g} with a log SD of {generator['reading_sd']:g}, rates with an SD of",
        f"{generator['rate_sd']:g} between animals; {min(below):.0f} to {max(below):.0f} % of the",
        f"readings are below the limit of {generator['limit_mm3']:g} mm³. Bias of the rate in",
        "thousandths per day, and coverage in percent of the",
        f"{_number(100 * made['level'], 0)} % interval, of control (C), treated (T) and their",
        f"difference. {_studies(rows)} a cell; Monte Carlo error of the bias at most",
        f"{_number(1000 * max(row['bias_mc_error'] for row in rows))}, of the coverage at most",
        f"{_number(max(row['coverage_mc_error_pct'] for row in rows))}.",
    )
    for scenario, rates in generator["rates_per_day"].items():
        spoken = " and ".join(f"{rate:g}".replace("-", "−") for rate in rates)
        yield from _paragraph(f"{scenario.capitalize()} (true rates {spoken} per day):")
        yield from _table(
            ("way", "n per arm", "bias C", "bias T", "bias T − C", "coverage C, T, T − C"),
            _ways([row for row in rows if row["scenario"] == scenario]),
        )
    yield from _paragraph(
        "Adding 1 comes near the truth for a question here and there, and is far off for the",
        "others. *Not enlarged* are intervals of the censored fit with the covariance of maximum",
        "likelihood as it is.",
    )


def _ways(rows: list[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    """A line for each way and number of animals."""
    for way in dict.fromkeys(row["way"] for row in rows):
        for n in sorted({row["n"] for row in rows}):
            found = {row["question"]: row for row in rows if row["way"] == way and row["n"] == n}
            asked = [found[name] for name in ("control", "treated", "treated - control")]
            yield (
                way,
                str(n),
                *(_number(1000 * row["bias"]) for row in asked),
                ", ".join(_number(row["coverage_pct"]) for row in asked),
            )


def _leavers() -> Iterator[str]:
    made = _simulated("dropout.json")
    generator, rows = made["generator"], made["rows"]
    control, treated = generator["rates_per_day"]
    undefined = max(row["undefined_pct"] for row in rows)
    yield ""
    yield "## Animals that leave at a size limit"
    yield from _paragraph(
        f"{generator['animals_per_arm']} animals per arm, growth from {generator['v0_mm3']:g} mm³",
        f"by {control:g} and {treated:g} per day, SD between animals {generator['rate_sd']:g},",
        f"readings every {generator['every_days']:g} days with a log SD of",
        f"{generator['reading_sd']:g}; an animal leaves with its first reading at or above the",
        "limit. Tumor growth inhibition by the growth of arithmetic means (`tgi_delta`), percent,",
        f"median of {_studies(rows)}; Monte Carlo error at most",
        f"{_number(max(row['mc_error_points'] for row in rows), 2)} points. In up to",
        f"{_number(undefined)} % of the studies an arm has no survivor, and no number.",
    )
    yield from _table(
        (
            "limit, day",
            "read C / T, %",
            "true",
            "model",
            "survivors only",
            "last carried forward",
            "nobody leaves",
        ),
        (
            (
                f"{limit:g} mm³, day {day:g}",
                f"{cell[0]['read_control_pct']:.0f} / {cell[0]['read_treated_pct']:.0f}",
                _number(cell[0]["truth_pct"]),
                *(
                    _number(next(row["median_pct"] for row in cell if row["way"] == way))
                    for way in ("model", "survivors_only", "locf", "no_limit")
                ),
            )
            for (limit, day), cell in _grouped(rows, "limit_mm3", "day").items()
        ),
    )


def _survival_simulated(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SURVIVAL_SIMULATED / name).read_text(encoding="utf-8"))
    return found


def _survival_validation() -> Iterator[str]:
    yield "# Survival: simulated studies"
    yield from _paragraph(
        "What the tests and intervals of times to an event do in studies whose truth is known.",
        "Each table is made from a committed file in `validation/survival` that the script of",
        "the same name writes; tests hold the files to their limits and simulate some of the",
        "studies again.",
    )
    yield from _survival_type_one()
    yield from _median_coverage()
    yield from _ratio_coverage()
    yield from _visit_bias()


def _survival_type_one() -> Iterator[str]:
    made = _survival_simulated("type_one.json")
    generator, rows = made["generator"], made["rows"]
    tests = ("log_rank", "exact", "relabeled", "firth")
    errors = [row[f"{t}_mc_error_pct"] for row in rows for t in tests if f"{t}_pct" in row]
    yield ""
    yield "## Type I error"
    yield from _paragraph(
        f"Event times of all arms are {generator['distribution']} with shape",
        f"{generator['shape']:g} and a median of {generator['median_days']:g} days, exact or seen",
        f"at visits every {generator['visit_every_days']:g} days. Percent of studies in which no",
        f"difference is rejected at {100 * made['level']:g} %; {_studies(rows)} a cell, Monte",
        f"Carlo error {_number(min(errors), 2)} to {_number(max(errors), 2)} points.",
        "*Permutation* is the exact test of two arms by all relabelings, with four arms a test of",
        "all arms by 999 drawn ones; *Firth* the penalized likelihood-ratio test of one treated",
        "arm against the control, in a model of all arms.",
    )
    yield from _table(
        (
            "arms",
            "n per arm",
            "times",
            "censored",
            "log-rank, chi-squared",
            "permutation",
            "Firth",
        ),
        (
            (
                str(row["arms"]),
                str(row["n"]),
                "weekly" if row["visits"] else "exact",
                f"{row['censored_pct']:.0f} %",
                _number(row["log_rank_pct"]),
                _number(row.get("exact_pct", row.get("relabeled_pct"))),
                _number(row["firth_pct"]),
            )
            for row in rows
        ),
    )
    yield from _paragraph(
        "The chi-squared distribution is too narrow for few animals, the more so the more arms",
        "are compared. With weekly visits ties make the exact test of two small arms cautious.",
        "Where all animals are seen on the same days, relabeling gives the interval log-rank test",
        "the same p-value, so the weekly lines hold for both.",
    )


def _median_coverage() -> Iterator[str]:
    made = _survival_simulated("median.json")
    generator = made["generator"]
    rows = [row for row in made["rows"] if row["question"] == "median"]
    yield ""
    yield "## Interval of the median"
    yield from _paragraph(
        f"One arm, {generator['distribution']} times with shape {generator['shape']:g}. Coverage",
        f"of the {100 * made['level']:g} % interval by the limits of the curve, and studies",
        f"without an upper limit, percent; {_studies(rows)} a cell, Monte Carlo error at most",
        f"{_largest_error(rows)} points.",
    )
    methods = list(dict.fromkeys(row["method"] for row in rows))
    yield from _table(
        ("n", "censored", *methods, *(f"{method}: open" for method in methods)),
        (
            (
                str(n),
                f"{censored:.0f} %",
                *(_number(row["coverage_pct"]) for row in found),
                *(_number(row["no_upper_pct"]) for row in found),
            )
            for (n, censored), found in _grouped(rows, "n", "censored_pct").items()
        ),
    )
    yield from _paragraph(
        "Five animals cannot give an interval of 95 % that holds whatever the distribution: their",
        "extremes miss the median in 6.25 % of all samples. The beta product therefore gives no",
        "limits there. Limits by `log` miss the median of few animals too often.",
    )


def _ratio_coverage() -> Iterator[str]:
    made = _survival_simulated("median.json")
    rows = [row for row in made["rows"] if row["question"] == "ratio"]
    (end,) = {row["last_day"] for row in rows if row["last_day"] is not None}
    yield ""
    yield "## Interval of the ratio of medians (EFS T/C)"
    yield from _paragraph(
        "Two arms of n animals; the arm's median is that of the control or twice that, and then",
        f"all follow-up ends on day {end:g}, so that it is often not reached. Coverage of the",
        f"{100 * made['level']:g} % interval by the bootstrap within arms, the default, and by",
        "combining the beta-product limits of both medians (MOVER), studies without an upper",
        "limit, percent, and the median of upper over lower limit;",
        f"{_studies(rows)} a cell, Monte Carlo error at most {_largest_error(rows)} points.",
    )
    ways = ("bootstrap", "mover")
    yield from _table(
        (
            "true ratio",
            "n",
            "censored",
            "bootstrap",
            "open",
            "upper / lower",
            "MOVER",
            "open",
            "upper / lower",
        ),
        (
            (
                f"{true:g}",
                str(n),
                f"{censored:.0f} %",
                *(
                    text
                    for way in ways
                    for row in found
                    if row["method"] == way
                    for text in (
                        _number(row["coverage_pct"]),
                        _number(row["no_upper_pct"]),
                        _number(row["median_fold_width"]),
                    )
                ),
            )
            for (true, n, censored), found in _grouped(rows, "true", "n", "censored_pct").items()
        ),
    )


WAY_WORDS = {
    "exact": "true times",
    "visit": "visit",
    "interpolated": "interpolated",
    "interval": "interval (Turnbull)",
}


def _visit_bias() -> Iterator[str]:
    made = _survival_simulated("visits.json")
    generator, rows = made["generator"], made["rows"]
    low, high = generator["median_between_days"]
    days = max(row["median_mc_error"] for row in rows)
    points = max(row["survival_pct_mc_error"] for row in rows)
    yield ""
    yield "## Events seen at visits"
    yield from _paragraph(
        f"One arm of {generator['animals']} animals with log-linear growth, read at visits; the",
        f"event is {generator['multiple']:g} times the baseline. Its true median is anywhere",
        f"between days {low:g} and {high:g}, and so is the day of the survival asked for. Bias",
        "and root of the mean squared error of the median, days, and of survival, points;",
        f"{_studies(rows)} a cell, Monte Carlo error of the bias at most {_number(days, 2)} days",
        f"and {_number(points, 2)} points. Of Turnbull's estimate the middle of what it allows.",
    )
    yield from _table(
        (
            "visits every",
            "SD of log readings",
            "times",
            "median: bias",
            "error",
            "survival: bias",
            "error",
        ),
        (
            (
                f"{row['every_days']:g} days",
                f"{row['reading_sd']:g}",
                WAY_WORDS[row["way"]],
                _number(row["median_bias"]),
                _number(row["median_rmse"]),
                _number(row["survival_pct_bias"]),
                _number(row["survival_pct_rmse"]),
            )
            for row in rows
        ),
    )
    yield from _paragraph(
        "The first visit past the threshold comes late by half the distance of the visits on",
        "average. Interpolation removes that as long as growth between two visits is about",
        "log-linear, as it is here; the interval estimate does not rest on it.",
    )


def _combination_simulated(name: str) -> dict[str, Any]:
    text = (COMBINATION_SIMULATED / name).read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _combination_validation() -> Iterator[str]:
    yield "# Combinations: simulated studies"
    made = _combination_simulated("type_one.json")
    generator, every = made["generator"], made["rows"]
    rates = generator["rates_per_day"]
    days = generator["days"]
    yield from _paragraph(
        "What the tests of synergy do in studies whose truth is known. Each table is made from a",
        "committed file in `validation/combination` that the script of the same name writes;",
        "tests hold the files to their limits and simulate some of the studies again.",
    )
    yield from _paragraph(
        f"Four arms grow from about {generator['v0_mm3']:g} mm³ (log SD",
        f"{generator['v0_log_sd']:g}): the control by {rates['C']:g} per day, A by",
        f"{rates['A']:g}, B by {rates['B']:g} and both by what a null model foresees from these.",
        f"Animals' rates have an SD of {generator['sd_slope']:g}, log readings one of 0.1 or 0.2;",
        f"there are {len(days)} readings to day {days[-1]:g}, and with the size limit an animal's",
        f"first reading of {generator['size_limit_mm3']:g} mm³ or more is its last. The model is",
        "the default one, with Kenward-Roger's standard errors and degrees of freedom.",
    )
    yield from _synergy_type_one(made, every)
    yield from _best_agent([row for row in every if row["test"] == "hsa"])
    yield from _synergy_bands(generator, [row for row in every if row["test"] == "band"])
    yield from _synergy_power([row for row in every if row["test"] == "power"])
    yield from _synergy_areas([row for row in every if row["test"] == "area"])
    yield from _synergy_events(_combination_simulated("events.json"))


def _synergy_events(made: dict[str, Any]) -> Iterator[str]:
    generator = made["generator"]
    yield ""
    yield "## Hazards"
    yield from _paragraph(
        f"Exponential times, control's median {generator['control_median_days']:g} days, end on",
        f"day {generator['end_day']:g}. Percent rejected at {_number(100 * made['error'], 0)} %;",
        "the command's default is by relabeling. Monte Carlo error up to",
        f"{_number(max(v for row in made['rows'] for k, v in row.items() if 'mc_error' in k), 1)}",
        "points: one of many cells lies a little outside of 4 to 6 % by chance, and the low ones",
        "have arms in which few animals have the event.",
    )
    yield from _table(
        ("null model", "n per arm", "hazard ratios", "studies", "relabeling", "penalized, t"),
        (
            (
                {"bliss": "Bliss", "hsa": "highest single agent"}[row["null"]],
                str(row["n"]),
                " and ".join(f"{ratio:g}" for ratio in row["hazard_ratios"]),
                f"{row['studies']:,}",
                _number(row.get("relabeled_pct", row.get("hsa_relabeled_pct"))),
                _number(row.get("penalized_t_pct", row.get("hsa_penalized_t_pct"))),
            )
            for row in made["rows"]
        ),
    )


def _synergy_type_one(made: dict[str, Any], every: list[dict[str, Any]]) -> Iterator[str]:
    rows = [row for row in every if row["test"] in ("bliss", "response_additivity")]
    errors = [row["mc_error_pct"] for row in rows]
    words = {"bliss": "Bliss", "response_additivity": "response additivity"}
    yield ""
    yield "## Type I error, two-sided"
    yield from _paragraph(
        "Percent of studies in which a null model that is true is rejected at",
        f"{_number(100 * (1 - made['level']), 0)} %, response additivity of the relative size on",
        f"day {made['generator']['index_day']:g}; {_studies(rows)} a cell, Monte Carlo error",
        f"{_number(min(errors), 2)} to {_number(max(errors), 2)} points. Where two numbers stand,",
        "without and with the size limit. Beside them stands z: for Bliss in SynergyLMM's own",
        "model, log size relative to the baseline with random slopes.",
    )
    yield from _table(
        ("null model", "n per arm", "SD of readings", "Kenward-Roger", "z"),
        (
            (
                words[test],
                str(n),
                f"{sd:g}",
                " / ".join(_number(row["rejected_pct"]) for row in cells),
                " / ".join(_number(row["z_pct"]) for row in cells),
            )
            for (test, n, sd), cells in _grouped(rows, "test", "n", "sd_reading").items()
        ),
    )


def _best_agent(rows: list[dict[str, Any]]) -> Iterator[str]:
    sizes = sorted({row["n"] for row in rows})
    yield ""
    yield "## Highest single agent"
    yield from _paragraph(
        "The combination is as good as B, and A is worse than B by a gap of rates. Percent of",
        "studies in which synergy is claimed, which it should be in 5 % at most:",
        f"{_studies(rows)} a cell, Monte Carlo error at most {_largest_error(rows)} points. Both",
        "agents have to be beaten, so the test is cautious where they are equal and has its level",
        "where one is far better. In brackets, how often a two-sided z test against the agent",
        "that looks better claims synergy, nominally 2.5 %.",
    )
    yield from _table(
        ("gap, per day", *(f"n = {n}" for n in sizes)),
        (
            (
                f"{gap:g}",
                *(
                    f"{_number(row['rejected_pct'])} ({_number(row['z_pct'])})"
                    for row in sorted(cells, key=lambda row: row["n"])
                ),
            )
            for (gap,), cells in _grouped(rows, "gap").items()
        ),
    )


def _synergy_bands(generator: dict[str, Any], rows: list[dict[str, Any]]) -> Iterator[str]:
    days = ", ".join(f"{day:g}" for day in generator["band_days"])
    words = {
        "bliss": f"Bliss, curves with a knot on day {generator['knot_day']:g}",
        "response_additivity": "response additivity, A inert",
        "hsa": "highest single agent, A far worse",
    }
    yield ""
    yield "## Bands over the days"
    yield from _paragraph(
        f"Percent of studies in which the band over days {days} claims synergy or antagonism on",
        "any of them, and in which a test of each day alone would; "
        f"{_studies(rows)} a cell. The band of the highest single agent is two-sided, and so more",
        "cautious than its test; with straight curves all days are one question.",
    )
    yield from _table(
        ("null model", "n per arm", "band", "each day alone", "Monte Carlo error"),
        (
            (
                words[row["null"]],
                str(row["n"]),
                _number(row["rejected_pct"]),
                _number(row["each_day_pct"]) if "each_day_pct" in row else "–",
                _largest_error([row]),
            )
            for row in rows
        ),
    )


def _synergy_power(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield ""
    yield "## Power under Bliss"
    yield from _paragraph(
        "Percent of studies in which synergy is found where the combination grows less than Bliss",
        f"foresees; log readings have an SD of {rows[0]['sd_reading']:g}. SynergyLMM's z rejects",
        "too often where there is nothing; *at equal size* its critical value is the one that",
        f"rejects 5 % in these studies. {_studies(rows)} a cell; Monte Carlo error at most",
        f"{_largest_error(rows)} points.",
    )
    yield from _table(
        (
            "n per arm",
            "rate beyond Bliss",
            "Kenward-Roger",
            "z",
            "type I error of z",
            "z at equal size",
        ),
        (
            (
                str(row["n"]),
                f"{row['shift']:g}".replace("-", "−"),
                _number(row["power_pct"]),
                _number(row["z_power_pct"]),
                _number(row["z_type_one_pct"]),
                _number(row["z_equal_size_power_pct"]),
            )
            for row in rows
        ),
    )


def _synergy_areas(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield ""
    yield "## Index of areas"
    yield from _paragraph(
        "Percent of studies in which the 95 % limits of the index from areas under the animals'",
        f"curves exclude 1, where Bliss is true; {rows[0]['draws']:,} resamples of animals within",
        f"arms, {_studies(rows)} a cell. Percentiles, which are what invivoSyn takes, are too",
        "narrow with few animals; the default is studentized.",
    )
    yield from _table(
        ("n per arm", "studentized", "percentile", "Monte Carlo error"),
        (
            (
                str(n),
                *(
                    _number(row["rejected_pct"])
                    for row in sorted(cells, key=lambda row: row["limits"])
                ),
                _largest_error(cells),
            )
            for (n,), cells in _grouped(rows, "n").items()
        ),
    )


def _design_validation() -> Iterator[str]:
    text = (DESIGN_SIMULATED / "power.json").read_text(encoding="utf-8")
    made: dict[str, Any] = json.loads(text)
    generator, rows = made["generator"], made["rows"]
    error = max(row["mc_error_pct"] for row in rows)
    yield "# Power: simulated and in closed form"
    yield from _paragraph(
        "What the tests of `oncovivo design power` do where the truth is known. Tables are made",
        "from `validation/design/power.json`, which the script of the same name writes; tests",
        "hold the file to its limits and simulate some of the studies again.",
    )
    yield from _paragraph(
        f"Readings on days {', '.join(f'{day:g}' for day in generator['days'])}, baselines of",
        f"{generator['start_mm3']:g} mm³ (log SD {generator['start_log_sd']:g}), rates with an SD",
        f"of {generator['rate_sd']:g} per day between animals, log readings with one of",
        f"{generator['reading_sd']:g}. {_studies(rows)} a cell, Monte Carlo error at most",
        f"{_number(error, 2)} points. Where two numbers stand, without and with animals that",
        f"leave at {generator['size_limit_mm3']:g} mm³. *Type I* is the percent of studies that",
        "reject what is true: 5 apart from the error, less for the highest single agent (both",
        "agents have to be beaten), for Fisher's test, and for mixed cages that are ignored. The",
        "closed form knows leavers for events only.",
    )
    yield from _table(
        ("question", "n per arm", "type I", "power", "closed form"),
        (
            (
                name,
                str(n),
                " / ".join(_number(row["type_one_pct"]) for row in cells),
                " / ".join(_number(row["power_pct"]) for row in cells),
                " / ".join(dict.fromkeys(_number(row["closed_pct"]) for row in cells)),
            )
            for (name, n), cells in _grouped(
                [row for row in rows if row["kind"] != "cages"], "question", "n"
            ).items()
        ),
    )
    yield ""
    yield "## Cages"
    yield from _paragraph(
        f"Rates have an SD of {generator['cage_rate_sd']:g} per day between cages on top of that",
        "between animals. The test that ignores cages rejects far too often where a cage has one",
        "arm, and too rarely where it has all; power and closed form are those of the test that",
        "counts cages.",
    )
    yield from _table(
        ("cages", "n per arm", "type I, ignored", "type I, counted", "power", "closed form"),
        (
            (
                row["question"].removeprefix("cages, "),
                str(row["n"]),
                _number(row["type_one_pct"]),
                _number(row["type_one_cages_pct"]),
                _number(row["power_pct"]),
                _number(row["closed_pct"]),
            )
            for row in rows
            if row["kind"] == "cages"
        ),
    )


_MARKER_QUESTIONS = {
    "slope": "limits of the slope, percent that miss it",
    "permutation": "p-values by relabeling, percent at or below 5 %",
    "discoveries": "share of false discoveries at q ≤ 5 %",
    "interaction": "predictive marker, percent found where there is none",
    "firth": "limits of Firth's logistic regression, percent that miss it",
}


def _marker_validation() -> Iterator[str]:
    folder = FOLDER.parent / "validation" / "markers"
    made = {
        name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("association", "prediction", "engagement", "quantification")
    }
    yield "# Markers: simulated lines and animals"
    yield from _paragraph(
        "What associations, predictions and assays do where the truth is known. Each table is",
        "made from a committed file in `validation/markers` that the script of the same name",
        "writes.",
    )
    for question, words in _MARKER_QUESTIONS.items():
        rows = [row for row in made["association"]["rows"] if row["question"] == question]
        yield ""
        yield f"## {words[0].upper()}{words[1:]}"
        yield from _paragraph(
            f"{_studies(rows)} a cell, Monte Carlo error",
            f"{_number(min(row['mc_error_pct'] for row in rows), 2)} to",
            f"{_number(max(row['mc_error_pct'] for row in rows), 2)} points; 5 is nominal. *SD of",
            "lines* is the spread of effects beyond their standard errors, which are 0.05 to 0.5.",
        )
        yield from _table(
            ("method", "marker", "lines", "SD of lines", "true markers", "percent"),
            (
                (
                    row["method"].replace("_", " ")
                    + (", a fifth of the lines with one arm" if row["one_arm"] else ""),
                    {"number": "a number", "call": "a mutation call"}[row["marker"]],
                    str(row["n"]),
                    f"{row['sd_lines']:g}",
                    str(row["n_true"]),
                    _number(row["pct"]),
                )
                for row in rows
            ),
        )
    yield from _paragraph(
        "Spearman's p-value is R's t approximation, which is a little too small far out in the",
        "tail; with `--permutations` there is one that is not. The mixed form of the interaction",
        "is cautious with a dozen lines.",
    )
    yield ""
    yield "## Prediction"
    predicted = made["prediction"]
    yield from _paragraph(
        f"Mean out-of-fold R² with {predicted['outer_folds']} outer folds: with noise it must not",
        "be above 0; *leak* picks markers on all lines before the folds are made, which is the",
        f"error that nesting avoids; *signal* has a true R² of {predicted['signal_share']:g}.",
    )
    yield from _table(
        ("data", "learner", "lines", "markers", "sets", "mean R² ± error", "p ≤ 5 %"),
        (
            (
                row["kind"].replace("_", " "),
                row["model"].replace("_", " "),
                str(row["n_lines"]),
                str(row["n_features"]),
                str(row["sets"]),
                f"{_number(row['mean_r2'], 2)} ± {_number(row['mc_error_r2'], 2)}",
                f"{_number(row['rejected_pct'])} %" if row.get("rejected_pct") is not None else "",
            )
            for row in predicted["rows"]
        ),
    )
    trap = made["engagement"]
    yield ""
    yield "## Target engaged is not response"
    yield from _paragraph(
        f"{trap['sets']} simulated pairs of a sensitive and a resistant line whose target is",
        "engaged alike. Over all animals marker and growth go together in",
        f"{trap['pooled_pct']:g} % of the pairs; within arms of a line in",
        f"{trap['within_pct']:g} %, which is what chance gives.",
        f"Both lines are seen to be engaged in {trap['both_engaged_pct']:g} %, and the two",
        f"are told apart by growth in {trap['told_apart_pct']:g} %.",
    )
    yield ""
    yield "## Readings below the limit of quantification"
    yield from _paragraph(
        f"A drug takes {_number(made['quantification']['inhibition_pct'])} % of a marker away,",
        "and a share of the treated readings lies below the limit. Limits kept in the likelihood",
        "hold 95 %; leaving such readings out is biased, and half the limit in their place is",
        "right only by luck.",
    )
    yield from _table(
        ("animals per arm", "below the limit", "treated as", "bias of ln ratio", "coverage, %"),
        (
            (
                str(row["n"]),
                f"{row['below_limit_share']:.0%}",
                row["way"],
                f"{_number(row['log_bias'], 2)} ± {_number(row['log_bias_mc_error'], 2)}",
                f"{_number(row['coverage_pct'])} ± {_number(row['coverage_mc_error_pct'])}",
            )
            for row in made["quantification"]["rows"]
        ),
    )


def _trial_validation() -> Iterator[str]:
    text = (FOLDER.parent / "validation" / "panels" / "trial.json").read_text(encoding="utf-8")
    made: dict[str, Any] = json.loads(text)
    plan = made["plan"]
    yield "# Mouse clinical trials: simulated"
    yield from _paragraph(
        "Power of the mixed model of lines and treatments in closed form and in simulated trials,",
        "from `validation/panels/trial.json`, which the script of the same name writes. An effect",
        f"of {_number(plan['effect'], 3)} per day with an SD of {plan['effect_sd']:g} among lines",
        f"and {plan['animal_sd']:g} among animals, log readings with one of",
        f"{plan['reading_sd']:g}, two arms.",
    )
    yield from _table(
        ("lines", "animals per line and arm", "closed form, %", "simulated, %", "type I, %"),
        (
            (
                str(cell["simulated"]["lines"]),
                str(cell["simulated"]["animals"]),
                _number(100 * cell["closed_form"]["power"]),
                f"{_number(100 * cell['simulated']['power'])} ± "
                f"{_number(100 * cell['simulated']['power_error'])}",
                f"{_number(100 * cell['simulated']['type_one'])} ± "
                f"{_number(100 * cell['simulated']['type_one_error'])}",
            )
            for cell in made["cells"]
        ),
    )


def _evidence_validation() -> Iterator[str]:
    text = (EVIDENCE_SIMULATED / "meta.json").read_text(encoding="utf-8")
    made: dict[str, Any] = json.loads(text)
    yield "# Evidence: simulated pools"
    yield from _paragraph(
        "What pooling and the tests of small-study effects do with few, small experiments whose",
        "truth is known. Each table is made from `validation/evidence/meta.json`, which the",
        "script of the same name writes; tests hold the file to its limits and simulate some of",
        "the pools again.",
    )
    questions = {"coverage": _pool_coverage, "asymmetry": _asymmetry, "nested": _nested_coverage}
    for question, table in questions.items():
        yield from table(
            made["generator"], [row for row in made["rows"] if row["question"] == question]
        )


def _pools(rows: Sequence[dict[str, Any]]) -> str:
    """How many pools a cell has, and how large the Monte Carlo error of a share is at most."""
    (count,) = {row["pools"] for row in rows}
    errors = [row[key] for row in rows for key in row if key.endswith("mc_error_pct")]
    return f"{count:,} pools a cell, Monte Carlo error at most {_number(max(errors), 2)} points"


def _signed(value: float) -> str:
    """Two digits, and no sign of 0."""
    return _number(round(value, 2) + 0.0, 2)


def _pool_coverage(generator: dict[str, Any], rows: list[dict[str, Any]]) -> Iterator[str]:
    low, high = generator["animals_coverage"]
    yield ""
    yield "## Coverage of the pooled effect and of prediction intervals"
    yield from _paragraph(
        f"Pools of k log ratios of means, {low} to {high} animals per arm with log-normal volumes",
        f"(coefficient of variation {100 * generator['coefficient_of_variation']:.0f} %), whose",
        "true effects have the standard deviation τ; REML. Percent of pools whose 95 % interval",
        "covers the mean, by Knapp-Hartung (*KH*), with the floor, and by z; *known* is KH for",
        "normal effects with known sampling variances. Then the share of new experiments whose",
        "true effect is in the prediction interval: t with k − 2 degrees of freedom (the",
        f"default), the t of the test, and the normal quantile. {_pools(rows)}.",
    )
    keys = ("kh", "kh_floor", "z", "kh_known", "pi_k2", "pi_test", "pi_z")
    yield from _table(
        ("k", "τ", "KH", "KH, floor", "z", "KH, known", "t, k − 2", "t, k − 1", "normal"),
        (
            (str(row["k"]), f"{row['tau']:g}", *(_number(row[f"{key}_pct"]) for key in keys))
            for row in rows
        ),
    )
    yield from _paragraph(
        "Knapp-Hartung is within about one and a half points of 95 % from three rows on; what is",
        "missing is due to sampling variances that are estimated from few animals. z is far too",
        "sure of itself where effects differ. From five rows on no prediction interval keeps its",
        "promise where effects differ a little, since τ² is often estimated as 0 then; with the",
        "normal quantile none of few rows does.",
    )


def _asymmetry(generator: dict[str, Any], rows: list[dict[str, Any]]) -> Iterator[str]:
    low, high = generator["animals_asymmetry"]
    yield ""
    yield "## Egger's test where nothing is missing"
    complete = [row for row in rows if not row["selected"]]
    yield from _paragraph(
        f"Pools of k complete experiments of {low} to {high} animals per arm. Percent of pools in",
        "which Egger's test finds asymmetry at 5 %: his own weighted regression, and the mixed",
        "model with Knapp-Hartung, on the standard error (*SE*) and on √(1/n + 1/n) of the",
        "animals (*size*). Then the mean error of PET's extrapolated effect (weighted regression",
        "on either). Log ratios of means of log-normal volumes (ROM), Hedges' g of normal data",
        f"(SMD). {_pools(complete)}.",
    )
    tests = ("weighted_se", "weighted_size", "mixed_se", "mixed_size")
    yield from _table(
        (
            "measure",
            "k",
            "mean",
            "τ",
            "weighted, SE",
            "weighted, size",
            "mixed, SE",
            "mixed, size",
            "PET error, SE",
            "PET error, size",
        ),
        (
            (
                row["measure"],
                str(row["k"]),
                f"{row['mean']:g}".replace("-", "−"),
                f"{row['tau']:g}",
                *(_number(row[f"{test}_pct"]) for test in tests),
                _signed(row["pet_se_bias"]),
                _signed(row["pet_size_bias"]),
            )
            for row in complete
        ),
    )
    yield from _paragraph(
        "On g, the standard error makes Egger's test find asymmetry in up to all pools although",
        "nothing is missing, the more the larger the effect and the pool, and PET turns a real",
        "reduction into none or its opposite. With the animals as predictor and weight the test",
        "holds its level and PET is right on average: that is the default for standardized mean",
        "differences. On log ratios the standard error may be used; the weighted regression then",
        "rejects a little too often in large pools, the mixed model does not.",
    )
    missing = [row for row in rows if row["selected"]]
    yield ""
    yield "## Egger's test where experiments are missing"
    yield from _paragraph(
        f"The same, when {100 * generator['missing']:.0f} % of the experiments without a",
        "significant reduction (5 %, one-sided) are missing; the share is now the power, except",
        "on g with the standard error, which finds asymmetry for the wrong reason as well.",
        f"{_pools(missing)}.",
    )
    yield from _table(
        (
            "measure",
            "k",
            "animals per arm",
            "mean",
            "τ",
            "weighted, SE",
            "weighted, size",
            "mixed, SE",
            "mixed, size",
            "PET error, size",
        ),
        (
            (
                row["measure"],
                str(row["k"]),
                f"{low} to {row['largest_arm']}",
                f"{row['mean']:g}".replace("-", "−"),
                f"{row['tau']:g}",
                *(_number(row[f"{test}_pct"]) for test in tests),
                _signed(row["pet_size_bias"]),
            )
            for row in missing
        ),
    )
    yield from _paragraph(
        "Experiments of nearly the same size cannot show that small ones are missing: with animal",
        "studies a test that finds nothing says little, even with 40 of them.",
    )


def _nested_coverage(generator: dict[str, Any], rows: list[dict[str, Any]]) -> Iterator[str]:
    yield ""
    yield "## Rows of one paper"
    yield from _paragraph(
        f"Papers of 1 to {generator['largest_paper']} rows that share a control group; true",
        f"effects differ between papers (standard deviation {generator['paper_sd']:g}) and rows",
        f"({generator['row_sd']:g}). Percent of pools whose 95 % interval covers the mean: rows",
        "taken as independent (Knapp-Hartung), the multilevel model of papers and rows that does",
        "not know of the shared control (z, and t by containment), and CR2 with Satterthwaite's",
        f"degrees of freedom on top of it. {_pools(rows)}.",
    )
    keys = ("independent", "multilevel_z", "multilevel_t", "cr2")
    yield from _table(
        ("papers", "independent", "multilevel, z", "multilevel, t", "CR2"),
        ((str(row["k"]), *(_number(row[f"{key}_pct"]) for key in keys)) for row in rows),
    )
    yield from _paragraph(
        "Rows of one paper taken as independent promise far too much. The multilevel model mends",
        "most of it, since the shared control looks like a difference between papers; with few",
        "papers its z intervals are too short, and t or CR2 are needed.",
    )


# What a section holds beside results: what was asked, how many, and what was complained of.
NOT_RESULTS = {
    *("definitions", "inputs", "mapping", "min_time", "notes", "singular", "times", "warnings"),
    *("n", "n_animals", "n_groups", "n_obs"),
}
AREAS = {
    "0": "Endpoints and mixed models",
    "1": "Endpoints and mixed models",
    "2": "Endpoints and mixed models",
    "3": "Synergy",
    "4": "Power",
    "5": "Tools of the field",
    "6": "Tools of the field",
    "7": "Survival",
    "8": "Meta-analysis",
    "9": "Doses, markers, cages and populations",
}


def _is_compared(section: dict[str, Any]) -> bool:
    """Whether a test reads a result of the section."""
    return bool(set(section["read"]) - NOT_RESULTS)


def _comparisons() -> Iterator[str]:
    made: dict[str, Any] = json.loads((COMPARISONS / "comparisons.json").read_text("utf-8"))
    about: dict[str, Any] = tomllib.loads((COMPARISONS / "sections.toml").read_text("utf-8"))
    every = made["sections"]
    known = {test for one in _known_disagreements() for test in one["tests"]}
    compared = [section for section in every if _is_compared(section)]
    tests = {test for section in compared for test in section["tests"]}
    yield "# Comparisons with R and other programs"
    yield from _paragraph(
        f"The reference results are {len({section['file'] for section in every})} files with",
        f"{len(every)} sections of numbers that other programs gave for public data, in R 4.2.2",
        f"and Python. Tests compare {len(compared)} of the sections; the others are listed below",
        "with the reason. The studies and the reference files are not part of this repository;",
        "with both beside it, `pytest -m realdata` runs every comparison.",
    )
    yield from _paragraph(
        "The tables follow from the tests: `validation/comparisons/record.py` runs those that",
        f"read reference results ({len(tests)} test functions, many for several studies), notes",
        "what each reads and the tolerances that it asserts, and writes nothing if one fails.",
        "*Tolerance* is the tightest and the loosest of these, relative and absolute (in the unit",
        "of what is compared); both belong to the tests as a whole, which also hold numbers to",
        "hand calculations.",
        "*Stated* means that the tolerance of the reference file is used. *Not compared* names",
        "parts that no test reads. *Differs*: one of the tests shows a",
        "[known disagreement](disagreements.md), and who is right.",
    )
    for area in dict.fromkeys(AREAS.values()):
        rows = [section for section in compared if AREAS[section["section"][0]] == area]
        yield ""
        yield f"## {area}"
        yield from _table(
            ("section", "data sets", "tests", "tolerance", "not compared"),
            (
                (
                    _section_title(key, about[key]),
                    str(len(found)),
                    "<br>".join(sorted({_module(test) for row in found for test in row["tests"]})),
                    "<br>".join((*_tolerance(found, made["tolerances"]), *_differs(found, known))),
                    ", ".join(_unread(found)) or "–",
                )
                for (key,), found in _grouped(rows, "section").items()
            ),
        )
    yield ""
    yield "## Not compared"
    yield from _table(
        ("section", "files", "why"),
        (
            (
                _section_title(key, about[key]),
                "<br>".join(row["file"] for row in found),
                about[key]["not_compared"],
            )
            for (key,), found in _grouped(
                [section for section in every if not _is_compared(section)], "section"
            ).items()
        ),
    )


def _section_title(key: str, about: dict[str, str]) -> str:
    return f"`{key}`<br>{about['tool']}: {about['what']}"


def _module(test: str) -> str:
    """A test's module as tests/ has it, without the ending."""
    return test.split("::")[0].removeprefix("tests/").removesuffix(".py")


def _tolerance(rows: Sequence[dict[str, Any]], known: dict[str, Any]) -> list[str]:
    """Tightest and loosest tolerance of the tests that read these sections."""
    tests = sorted({test for row in rows for test in row["tests"]})
    stated = {test for row in rows for test in row["states_tolerance"]}
    words = ["stated"] if stated else []
    for kind in ("rel", "abs"):
        ends = [end for test in tests for end in known.get(test, {}).get(kind, ())]
        if ends:
            low, high = f"{min(ends):.2g}", f"{max(ends):.2g}"
            words.append(f"{kind} {low}" + ("" if low == high else f" to {high}"))
    return words or ["exact"]


def _differs(rows: Sequence[dict[str, Any]], known: set[str]) -> list[str]:
    """A link where a test of these sections shows a known disagreement."""
    shown = any(test in known for row in rows for test in row["tests"])
    return ["[differs](disagreements.md)"] if shown else []


def _unread(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Parts that no test reads of any of these sections."""
    read = {part for row in rows for part in row["read"]}
    parts = dict.fromkeys(part for row in rows for part in row["not_read"])
    return [part for part in parts if part not in read | NOT_RESULTS]


def _known_disagreements() -> list[dict[str, Any]]:
    text = (COMPARISONS / "disagreements.toml").read_text("utf-8")
    found: list[dict[str, Any]] = tomllib.loads(text)["disagreement"]
    return found


def _disagreements() -> Iterator[str]:
    every = _known_disagreements()
    yield "# Where other programs print something else"
    yield from _paragraph(
        "Known disagreements with other programs, each with the test that shows it. What they",
        "print was read in their code or seen when it ran, at the versions that",
        "`validation/comparisons/disagreements.toml` names; later versions may differ. Numbers",
        "that agree are in [comparisons](comparisons.md), and what all of them say of the same",
        "data in [other tools](../background/other-tools.md).",
    )
    for area in dict.fromkeys(one["area"] for one in every):
        yield ""
        yield f"## {area}"
        yield from _table(
            ("program and data", "it prints", "here", "why, and which test shows it"),
            (
                (
                    f"**{one['tool']}**, {one['function']}:<br>{one['data']}",
                    one["prints"],
                    one["ours"],
                    "<br>".join((one["why"], *dict.fromkeys(map(_module, one["tests"])))),
                )
                for one in every
                if one["area"] == area
            ),
        )


if __name__ == "__main__":
    for name, text in pages().items():
        (FOLDER / name).parent.mkdir(exist_ok=True)
        (FOLDER / name).write_text(text, encoding="utf-8")

"""Evidence rows as tables by tumor type and as cards with every field."""

from __future__ import annotations

from collections.abc import Sequence

from oncovivo.documents import (
    Badge,
    Card,
    Inline,
    Link,
    Table,
    TableColumn,
    TableRow,
    Text,
    text,
)
from oncovivo.evidence import COLUMNS, Identifiers, Record, Reported
from oncovivo.evidence.vocabulary import meaning
from oncovivo.guide.citing import Citations

__all__ = [
    "combination_table",
    "marker_table",
    "regimen_table",
    "row_card",
    "rows_table",
    "states_table",
    "tumor_types",
]

_DIRECTIONS = {
    "benefit": "▲ benefit",
    "none": "■ none",
    "harm": "▼ harm",
    "mixed": "◆ mixed",
    "not_applicable": "○ no direction",
}
_QUANTITIES = ("n_treated", "n_control", "value", "dispersion", "p_value", "regimen", "allocation")


def tumor_types(records: Sequence[Record]) -> tuple[str, ...]:
    """The OncoTree codes under which rows are filed, in order of appearance."""
    return tuple(dict.fromkeys(record.filed_under for record in records))


def compound_name(identifiers: Identifiers, key: str) -> str:
    """The printed name of a compound."""
    return identifiers.compounds[key].name


def rows_table(
    code: str, records: Sequence[Record], identifiers: Identifiers, citations: Citations
) -> Table:
    """The rows filed under one tumor type, those that count before those that do not."""
    ordered = sorted(records, key=lambda record: record.use == "context")
    tumor = identifiers.tumor_types[code]
    ids = ", ".join(
        part
        for part in (
            f"OncoTree {code} ({tumor.oncotree_version})" if tumor.oncotree_version else code,
            f"NCIt {tumor.ncit}" if tumor.ncit else "",
            f"{tumor.doid} ({tumor.doid_version})" if tumor.doid else "",
        )
        if part
    )
    counted = sum(record.use == "evidence" for record in records)
    return Table(
        anchor=f"table-rows-{code}",
        caption=text(
            f"{tumor.name[0].upper()}{tumor.name[1:]}: {counted} rows that may carry a claim, "
            f"{len(records) - counted} for context."
        ),
        columns=(
            TableColumn(heading="Row", width=1.1),
            TableColumn(heading="Line, graft, host", width=2.2),
            TableColumn(heading="Treatment and comparison", width=2.6),
            TableColumn(heading="Result", width=3.6),
            TableColumn(heading="n", width=1.2),
            TableColumn(heading="Source", width=1.6),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    _row_cell(record),
                    text(_model(record)),
                    text(_treatment(record, identifiers)),
                    _result(record),
                    text(_numbers(record)),
                    (
                        Text(content=f"{record.locator} "),
                        *citations.cite(record.sources),
                    ),
                )
            )
            for record in ordered
        ),
        note=text(f"Identifiers: {ids}."),
    )


def _row_cell(record: Record) -> tuple[Inline, ...]:
    link: tuple[Inline, ...] = (Link(content=record.row_id, target=f"row-{record.row_id}"),)
    if record.use == "context":
        return (*link, Text(content=" "), Badge(content="context", kind="context"))
    return link


def _model(record: Record) -> str:
    """Line, graft, site and host in one phrase; what is unknown is said once."""
    if not record.graft_type.given:
        return f"{record.xenograft_line} ({record.evidence_kind.replace('_', ' ')})"
    graft = str(record.graft_type)
    graft = graft.upper() if graft in ("cdx", "pdx", "gemm") else graft
    parts = [str(record.xenograft_line), graft]
    if record.site.given:
        parts.append(str(record.site))
    parts.append(
        f"{record.host_strain}" if record.host_strain.given else f"host {record.host_strain}"
    )
    return ", ".join(parts)


def _treatment(record: Record, identifiers: Identifiers) -> str:
    """Compound, partner, regimen and comparator."""
    words = compound_name(identifiers, record.compound)
    for partner in record.partners:
        words += f" + {compound_name(identifiers, partner)}"
    words += f"; regimen {record.regimen}" if not record.regimen.given else f"; {record.regimen}"
    if record.comparator.given:
        words += f"; against {record.comparator.value}".replace("_", " ")
    return words


def _result(record: Record) -> tuple[Inline, ...]:
    """Direction, statement and number."""
    inlines: list[Inline] = [
        Text(content=_DIRECTIONS[record.direction], style="strong"),
        Text(content=f". {record.statement}"),
    ]
    number = _number(record)
    if number:
        inlines.append(Text(content=f" ({number})"))
    return tuple(inlines)


def _number(record: Record) -> str:
    """The value with unit, denominator and dispersion, as far as they are given."""
    if not record.value.given:
        return ""
    value, unit = str(record.value), str(record.unit.value or "")
    of = f" of {record.denominator}" if record.denominator.given else ""
    spread = f", {record.dispersion_kind} {record.dispersion}" if record.dispersion.given else ""
    if unit == "hazard_ratio":
        return f"hazard ratio {value}{spread}"
    shown = {"count": "", "ratio": "", "percent": " %", "mm3": " mm³"}.get(unit, f" {unit}")
    return f"{value}{shown.rstrip()}{of}{spread}"


def _numbers(record: Record) -> str:
    """Group sizes."""
    if record.n_treated.given or record.n_control.given:
        unit = f" {record.n_unit}" if record.n_unit.given else ""
        if record.n_control.state == "not_applicable":
            return f"{record.n_treated}{unit}"
        return f"{record.n_treated} / {record.n_control}{unit}"
    return str(record.n_treated)


_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("result", ("statement", "direction", "endpoint", "value", "unit", "denominator", "day")),
    ("spread and test", ("dispersion", "dispersion_kind", "test", "p_value", "null_model")),
    ("tumor", ("tumor_type", "oncotree", "ncit", "doid", "filed_under")),
    ("line", ("xenograft_line", "line_rrid", "graft_type", "site")),
    ("host", ("host_species", "host_strain", "host_rrid", "immune_status")),
    ("treatment", ("compound", "partner", "regimen")),
    ("comparison", ("comparator", "contrast", "allocation")),
    ("n", ("n_treated", "n_control", "n_unit")),
    ("kind of evidence", ("evidence_kind", "use")),
    ("read", ("read_from", "reading")),
    ("the source says", ("source_compound", "source_tumor", "source_result")),
    ("note", ("note",)),
)
# Fields whose value says by itself what it is.
_PLAIN = frozenset({"statement", "tumor_type", "xenograft_line", "compound", "regimen", "note"})


def row_card(record: Record, identifiers: Identifiers, citations: Citations) -> Card:
    """Every field of a row, grouped; fields without a value are gathered by their reason."""
    items: list[tuple[str, tuple[Inline, ...]]] = [
        ("source", citations.cite(record.sources)),
        ("locator", text(record.locator)),
    ]
    for label, names in _GROUPS:
        shown = [words for name in names if (words := _field(record, name, identifiers))]
        if shown:
            items.append((label, text("; ".join(shown))))
    items += [(state, text(", ".join(names))) for state, names in _missing(record).items()]
    return Card(
        anchor=f"row-{record.row_id}",
        title=text(f"Row {record.row_id}: {record.tumor_type}"),
        items=tuple(items),
    )


def _field(record: Record, name: str, identifiers: Identifiers) -> str:
    """One field in words; empty when it has no value."""
    value = getattr(record, name)
    if isinstance(value, Reported):
        if not value.given:
            return ""
        value = str(value)
    if not value:
        return ""
    if name == "compound":
        return compound_name(identifiers, value)
    if name == "partner":
        return "with " + " + ".join(compound_name(identifiers, key) for key in record.partners)
    if name in _PLAIN:
        return str(value)
    word_list = _WORDS[name]
    if word_list and name not in ("unit", "direction", "endpoint"):
        value = _spelled(word_list, value)
    return f"{name.replace('_', ' ')} {value.replace('_', ' ') if word_list else value}"


_WORDS = {column.name: column.words for column in COLUMNS}


def _missing(record: Record) -> dict[str, list[str]]:
    """The fields without a value by the reason why."""
    found: dict[str, list[str]] = {}
    for column in COLUMNS:
        value = getattr(record, column.name)
        if isinstance(value, Reported) and not value.given:
            state = value.state.replace("_", " ")
            found.setdefault(state, []).append(column.name.replace("_", " "))
    return found


def _spelled(word_list: str, word: str) -> str:
    """A word of a closed list with its meaning."""
    explained = meaning(word_list, word)
    plain = word.replace("_", " ")
    return plain if explained == plain else f"{plain} ({explained})"


def regimen_table(
    records: Sequence[Record], identifiers: Identifiers, citations: Citations
) -> Table | None:
    """The regimens that rows give, with what follows from their notation; None without any."""
    rows = []
    for record in records:
        regimen = record.parsed_regimen
        if regimen is None:
            continue
        if regimen.is_complete:
            days = f"{len(set(regimen.dosing_days()))}"
            total, weekly = str(regimen.total_dose()), str(regimen.dose_per_week())
        else:
            days = total = weekly = "schedule incomplete"
        rows.append(
            TableRow(
                cells=(
                    _row_cell(record),
                    text(compound_name(identifiers, record.compound)),
                    text(str(regimen)),
                    text(days),
                    text(total),
                    text(weekly),
                    (*citations.cite(record.sources),),
                )
            )
        )
    if not rows:
        return None
    return Table(
        anchor="table-regimens",
        caption=text("Regimens as the rows give them, and what follows from their notation."),
        columns=(
            TableColumn(heading="Row", width=1.2),
            TableColumn(heading="Compound", width=1.6),
            TableColumn(heading="Regimen", width=2.2),
            TableColumn(heading="Dosing days", width=1.3),
            TableColumn(heading="Total dose", width=1.5),
            TableColumn(heading="Dose per week", width=1.5),
            TableColumn(heading="Source", width=0.9),
        ),
        rows=tuple(rows),
    )


def combination_table(
    records: Sequence[Record], identifiers: Identifiers, citations: Citations
) -> Table | None:
    """The rows with a partner: contrast and null model decide whether synergy can be spoken of."""
    rows = tuple(
        TableRow(
            cells=(
                _row_cell(record),
                text(" + ".join(compound_name(identifiers, key) for key in record.partners)),
                text(identifiers.tumor_types[record.filed_under].name),
                text(str(record.contrast).replace("_", " ")),
                text(str(record.null_model).replace("_", " ")),
                text(_DIRECTIONS[record.direction]),
                citations.cite(record.sources),
            )
        )
        for record in records
        if record.partners
    )
    if not rows:
        return None
    return Table(
        anchor="table-combinations",
        caption=text("Combinations, with the contrast and the null model that the source gives."),
        columns=(
            TableColumn(heading="Row", width=1.2),
            TableColumn(heading="Partner", width=1.8),
            TableColumn(heading="Tumor type", width=1.8),
            TableColumn(heading="Contrast", width=1.6),
            TableColumn(heading="Null model", width=1.5),
            TableColumn(heading="Direction", width=1.3),
            TableColumn(heading="Source", width=0.9),
        ),
        rows=rows,
        note=text("Without a null model, better than a single agent does not mean synergy."),
    )


_MARKER_ENDPOINTS = frozenset(
    {
        "marker_association",
        "pathway_phosphorylation",
        "protein_level",
        "target_binding",
        "angiogenesis",
        "immune_activation",
    }
)


def marker_table(
    records: Sequence[Record], identifiers: Identifiers, citations: Citations
) -> Table | None:
    """The rows whose endpoint is a marker; None without any."""
    rows = tuple(
        TableRow(
            cells=(
                _row_cell(record),
                text(record.endpoint.replace("_", " ")),
                text(identifiers.tumor_types[record.filed_under].name),
                _result(record),
                citations.cite(record.sources),
            )
        )
        for record in records
        if record.endpoint in _MARKER_ENDPOINTS
    )
    if not rows:
        return None
    return Table(
        anchor="table-markers",
        caption=text("Rows whose endpoint is a marker of target, pathway, vessels or immunity."),
        columns=(
            TableColumn(heading="Row", width=1.2),
            TableColumn(heading="Marker", width=1.6),
            TableColumn(heading="Tumor type", width=1.6),
            TableColumn(heading="Result", width=4),
            TableColumn(heading="Source", width=0.9),
        ),
        rows=rows,
    )


def states_table(records: Sequence[Record]) -> Table:
    """How many rows give what a meta-analysis needs, and why the others do not."""
    animal = [r for r in records if r.evidence_kind == "animal_efficacy" and r.use == "evidence"]
    states = ("given", "not_reported", "not_extracted", "not_accessible", "not_applicable")
    return Table(
        anchor="table-states",
        caption=text(
            f"What the {len(animal)} rows on animal efficacy that may carry a claim give, "
            "and why not."
        ),
        columns=(
            TableColumn(heading="Field", width=1.5),
            *(TableColumn(heading=state.replace("_", " "), align="right") for state in states),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    text(name.replace("_", " ")),
                    *(
                        text(str(sum(getattr(r, name).state == state for r in animal)))
                        for state in states
                    ),
                )
            )
            for name in _QUANTITIES
        ),
    )

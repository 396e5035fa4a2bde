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
from oncovivo.evidence.vocabulary import meaning, words
from oncovivo.guide.citing import Citations
from oncovivo.guide.wording import DIRECTIONS, column_label, counted, plain_word

__all__ = [
    "combination_table",
    "marker_table",
    "regimen_table",
    "row_card",
    "rows_table",
    "states_table",
    "tumor_types",
    "words_table",
]

_QUANTITIES = ("n_treated", "n_control", "value", "dispersion", "p_value", "regimen", "allocation")
# What a reader of a row misses first, and where it makes sense to miss it.
_MISSED = ("n_treated", "regimen", "xenograft_line", "site", "host_strain")
_WITHOUT = "–"


def tumor_types(records: Sequence[Record]) -> tuple[str, ...]:
    """The OncoTree codes under which rows are filed, in order of appearance."""
    return tuple(dict.fromkeys(record.filed_under for record in records))


def compound_name(identifiers: Identifiers, key: str) -> str:
    """The printed name of a compound."""
    return identifiers.compounds[key].name


def rows_table(
    code: str, records: Sequence[Record], identifiers: Identifiers, citations: Citations
) -> Table:
    """The rows filed under one tumor type, those that count before those that do not.

    What a row does not give is left out of its cells and counted once below the table.
    """
    ordered = sorted(records, key=lambda record: record.use == "context")
    tumor = identifiers.tumor_types[code]
    evidence = sum(record.use == "evidence" for record in records)
    context = len(records) - evidence
    name = f"{tumor.name[0].upper()}{tumor.name[1:]}"
    for_context = f" and {counted(context, 'row')} for context" if context else ""
    with_n = any(record.n_treated.given or record.n_control.given for record in records)
    return Table(
        anchor=f"table-rows-{code}",
        caption=text(f"{name}: {counted(evidence, 'row')} that may carry a claim{for_context}."),
        columns=(
            TableColumn(heading="Row", width=0.9),
            TableColumn(heading="Evidence and model", width=2.2),
            TableColumn(heading="Treatment and comparison", width=2.6),
            TableColumn(heading="Result", width=3.4),
            *((TableColumn(heading="n", width=1.1),) if with_n else ()),
            TableColumn(heading="Source", width=1.4),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    _row_cell(record),
                    _model(record),
                    text(_treatment(record, identifiers)),
                    _result(record),
                    *((text(_numbers(record)),) if with_n else ()),
                    (
                        Text(content=f"{record.locator} "),
                        *citations.cite(record.sources),
                    ),
                )
            )
            for record in ordered
        ),
        note=text(f"{_not_given(records)}Identifiers: {_identifiers(code, identifiers)}."),
    )


def _not_given(records: Sequence[Record]) -> str:
    """How many rows do not give what a reader looks for; nothing when all do."""
    missing = []
    for name in _MISSED:
        values = [getattr(record, name) for record in records]
        asked = [value for value in values if value.state != "not_applicable"]
        without = sum(not value.given for value in asked)
        if without:
            missing.append(f"{column_label(name)} ({without} of {len(asked)})")
    if not missing:
        return ""
    return f"Not given, for the reason in the row's card: {', '.join(missing)}. "


def _identifiers(code: str, identifiers: Identifiers) -> str:
    """The ids of a tumor type with the releases in which they were read."""
    tumor = identifiers.tumor_types[code]
    return ", ".join(
        part
        for part in (
            f"OncoTree {code} ({tumor.oncotree_version})" if tumor.oncotree_version else code,
            f"NCIt {tumor.ncit}" if tumor.ncit else "",
            f"{tumor.doid} ({tumor.doid_version})" if tumor.doid else "",
        )
        if part
    )


def _row_cell(record: Record) -> tuple[Inline, ...]:
    link: tuple[Inline, ...] = (Link(content=record.row_id, target=f"row-{record.row_id}"),)
    if record.use == "context":
        return (*link, Text(content=" "), Badge(content="context", kind="context"))
    return link


def _model(record: Record) -> tuple[Inline, ...]:
    """Kind of evidence, then line, graft, site and host as far as they are given."""
    kind: Inline = Text(content=_said(record, "evidence_kind"), style="emphasis")
    parts = [
        _said(record, name)
        for name in ("xenograft_line", "graft_type", "site")
        if getattr(record, name).given
    ]
    if record.host_strain.given:
        species = f" {record.host_species}" if record.host_species.given else ""
        parts.append(f"{record.host_strain}{species}")
    elif record.host_species.given:
        parts.append(str(record.host_species))
    return (kind, Text(content=f": {', '.join(parts)}")) if parts else (kind,)


def _said(record: Record, name: str) -> str:
    """A field as it is printed."""
    return plain_word(name, str(getattr(record, name)))


def _treatment(record: Record, identifiers: Identifiers) -> str:
    """Compound, partner, regimen and comparator, as far as they are given."""
    treated = compound_name(identifiers, record.compound)
    for partner in record.partners:
        treated += f" + {compound_name(identifiers, partner)}"
    if record.regimen.given:
        treated += f"; {record.regimen}"
    if record.comparator.given:
        treated += f"; against {_said(record, 'comparator')}"
    return treated


def _result(record: Record) -> tuple[Inline, ...]:
    """Direction and statement; the number where the statement does not hold it."""
    inlines: list[Inline] = [
        Text(content=DIRECTIONS[record.direction], style="strong"),
        Text(content=f". {record.statement}"),
    ]
    number = _number(record)
    if number and (record.dispersion.given or f"{record.value}" not in record.statement):
        inlines.append(Text(content=f" ({number})"))
    return tuple(inlines)


def _number(record: Record) -> str:
    """The value with unit, denominator and dispersion, as far as they are given."""
    if not record.value.given:
        return ""
    value, unit = str(record.value), str(record.unit.value or "")
    of = f" of {record.denominator}" if record.denominator.given else ""
    kind = _said(record, "dispersion_kind") if record.dispersion_kind.given else "spread"
    spread = f", {kind} {record.dispersion}" if record.dispersion.given else ""
    if unit == "hazard_ratio":
        return f"hazard ratio {value}{spread}"
    printed = plain_word("unit", unit)
    shown = {"count": "", "ratio": "", "percent": " %"}.get(unit, f" {printed}")
    return f"{value}{shown.rstrip()}{of}{spread}"


def _numbers(record: Record) -> str:
    """Group sizes, treated and control; a dash for one that is not given."""
    treated = str(record.n_treated) if record.n_treated.given else _WITHOUT
    control = str(record.n_control) if record.n_control.given else _WITHOUT
    if treated == control == _WITHOUT:
        return _WITHOUT
    unit = f" {_said(record, 'n_unit')}" if record.n_unit.given else ""
    if record.n_control.given:
        return f"{treated} / {control}{unit}"
    return f"{treated}{unit.removesuffix('s') if treated == '1' else unit}"


# The fields of a card by group; the label of a group explains a field without a label of its own.
_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("result", ("statement", "direction", "endpoint", "value", "day")),
    ("spread and test", ("dispersion", "test", "p_value", "null_model")),
    ("tumor", ("tumor_type", "oncotree", "ncit", "doid", "filed_under")),
    ("model", ("xenograft_line", "line_rrid", "graft_type", "site")),
    ("host", ("host_species", "host_strain", "host_rrid", "immune_status")),
    ("treatment", ("compound", "partner", "regimen")),
    ("comparison", ("comparator", "contrast", "allocation")),
    ("n", ("n_treated", "n_control", "n_unit")),
    ("evidence", ("evidence_kind", "use")),
    ("source says", ("source_compound", "source_tumor", "source_result")),
    ("note", ("note",)),
)
# Fields whose value says by itself, in its group, what it is.
_PLAIN = frozenset(
    {
        "statement",
        "tumor_type",
        "xenograft_line",
        "line_rrid",
        "graft_type",
        "site",
        "host_species",
        "host_strain",
        "host_rrid",
        "immune_status",
        "compound",
        "regimen",
        "contrast",
        "allocation",
        "evidence_kind",
        "test",
        "note",
        "source_result",
    }
)
_LEADS = {
    "direction": "direction: ",
    "value": "",
    "oncotree": "OncoTree ",
    "ncit": "NCIt ",
    "doid": "",
    "filed_under": "filed under ",
    "comparator": "against ",
    "partner": "with ",
    "dispersion": "",
    "p_value": "",
    "n_treated": "treated ",
    "n_control": "control ",
    "n_unit": "counted: ",
    "use": "used as ",
    "day": "day ",
    "source_compound": "compound: ",
    "source_tumor": "tumor: ",
}
_WORD_COLUMNS = {column.name: column.words for column in COLUMNS if column.words}


def row_card(record: Record, identifiers: Identifiers, citations: Citations) -> Card:
    """Every field of a row, grouped; fields without a value are gathered by their reason."""
    read = f" {record.locator}"
    if record.read_from.given:
        read += f"; {meaning('read_from', str(record.read_from))}"
    read += f"; {_said(record, 'reading')}"
    items: list[tuple[str, tuple[Inline, ...]]] = [
        ("source", (*citations.cite(record.sources), Text(content=read)))
    ]
    for label, names in _GROUPS:
        shown = [field for name in names if (field := _field(record, name, identifiers))]
        if shown:
            items.append((label, text("; ".join(shown))))
    items += [(state, text(", ".join(names))) for state, names in _missing(record).items()]
    title: list[Inline] = [Text(content=f"Row {record.row_id}: {record.tumor_type}")]
    if record.use == "context":
        title += [Text(content=" "), Badge(content="context", kind="context")]
    return Card(anchor=f"row-{record.row_id}", title=tuple(title), items=tuple(items))


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
        shown = compound_name(identifiers, value)
    elif name == "partner":
        shown = " + ".join(compound_name(identifiers, key) for key in record.partners)
    elif name == "value":
        shown = _number(record)
    elif name == "dispersion":
        kind = _said(record, "dispersion_kind") if record.dispersion_kind.given else "spread"
        shown = f"{kind} {value}"
    else:
        shown = plain_word(name, value)
    if name in _PLAIN:
        return shown.rstrip(".") if name == "statement" else shown
    return f"{_LEADS.get(name, f'{column_label(name)} ')}{shown}"


def _missing(record: Record) -> dict[str, list[str]]:
    """The fields without a value by the reason why."""
    found: dict[str, list[str]] = {}
    for column in COLUMNS:
        value = getattr(record, column.name)
        if isinstance(value, Reported) and not value.given:
            state = value.state.replace("_", " ")
            found.setdefault(state, []).append(column_label(column.name))
    return found


def words_table(records: Sequence[Record]) -> Table:
    """What the words of the closed lists that occur in the rows mean."""
    rows = []
    for name, word_list in _WORD_COLUMNS.items():
        used = {str(getattr(record, name)) for record in records}
        explained = [
            f"{plain_word(name, word)} ({meaning(word_list, word)})"
            for word in words(word_list)
            if word in used and meaning(word_list, word) != plain_word(name, word)
        ]
        if explained:
            rows.append(
                TableRow(cells=(text(column_label(name)), text("; ".join(explained) + ".")))
            )
    return Table(
        anchor="table-words",
        caption=text("What the words in the rows mean."),
        columns=(TableColumn(heading="Field", width=1), TableColumn(heading="Words", width=5)),
        rows=tuple(rows),
    )


def regimen_table(
    records: Sequence[Record], identifiers: Identifiers, citations: Citations
) -> Table | None:
    """The regimens that rows give, with what follows from their notation; None without any."""
    groups: dict[tuple[str, str, tuple[str, ...], str], list[Record]] = {}
    for record in records:
        if record.parsed_regimen is not None:
            key = (record.compound, str(record.parsed_regimen), record.sources, record.use)
            groups.setdefault(key, []).append(record)
    if not groups:
        return None
    return Table(
        anchor="table-regimens",
        caption=text("Regimens as the rows give them, and what follows from their notation."),
        columns=(
            TableColumn(heading="Rows", width=2),
            TableColumn(heading="Compound", width=1.6),
            TableColumn(heading="Regimen", width=2.2),
            TableColumn(heading="Dosing days", width=1, align="right"),
            TableColumn(heading="Total dose", width=1.3, align="right"),
            TableColumn(heading="Dose per week", width=1.3, align="right"),
            TableColumn(heading="Source", width=0.9),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    _row_cells(group),
                    text(compound_name(identifiers, compound)),
                    text(notation),
                    *(text(part) for part in _schedule(group[0])),
                    citations.cite(sources),
                )
            )
            for (compound, notation, sources, _), group in groups.items()
        ),
        note=text(f"{_WITHOUT}: the notation leaves open the dose or how long it is given."),
    )


def _row_cells(records: Sequence[Record]) -> tuple[Inline, ...]:
    """Links to rows of one use."""
    inlines: list[Inline] = []
    for record in records:
        inlines += [Text(content=", ")] if inlines else []
        inlines.append(Link(content=record.row_id, target=f"row-{record.row_id}"))
    if records[0].use == "context":
        inlines += [Text(content=" "), Badge(content="context", kind="context")]
    return tuple(inlines)


def _schedule(record: Record) -> tuple[str, str, str]:
    """Number of dosing days, total dose and dose per week of a regimen; dashes when open."""
    regimen = record.parsed_regimen
    if regimen is None or not regimen.is_complete:
        return (_WITHOUT, _WITHOUT, _WITHOUT)
    days = len(set(regimen.dosing_days()))
    return (str(days), str(regimen.total_dose()), str(regimen.dose_per_week()))


def combination_table(
    records: Sequence[Record], identifiers: Identifiers, citations: Citations
) -> Table | None:
    """The rows with a partner: contrast and null model decide whether synergy can be spoken of."""
    combined = [record for record in records if record.partners]
    if not combined:
        return None
    with_model = [record for record in combined if record.null_model.given]
    return Table(
        anchor="table-combinations",
        caption=text("Combinations, with the kind of comparison that the source makes."),
        columns=(
            TableColumn(heading="Row", width=1.1),
            TableColumn(heading="Compound and partner", width=2.4),
            TableColumn(heading="Tumor type", width=1.8),
            TableColumn(heading="Evidence", width=1.5),
            TableColumn(heading="Comparison", width=2),
            *((TableColumn(heading="Null model", width=1.4),) if with_model else ()),
            TableColumn(heading="Direction", width=1.8),
            TableColumn(heading="Source", width=0.8),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    _row_cell(record),
                    text(_together(record, identifiers)),
                    text(identifiers.tumor_types[record.filed_under].name),
                    text(_said(record, "evidence_kind")),
                    text(_said(record, "contrast") if record.contrast.given else _WITHOUT),
                    *((text(_null_model(record)),) if with_model else ()),
                    text(DIRECTIONS[record.direction]),
                    citations.cite(record.sources),
                )
            )
            for record in combined
        ),
        note=text(
            f"A null model of the joint effect is given by {len(with_model)} of "
            f"{counted(len(combined), 'row')}. Without one, better than a single agent does not "
            "mean synergy."
        ),
    )


def _together(record: Record, identifiers: Identifiers) -> str:
    """The compound with its partners."""
    keys = (record.compound, *record.partners)
    return " + ".join(compound_name(identifiers, key) for key in keys)


def _null_model(record: Record) -> str:
    return _said(record, "null_model") if record.null_model.given else _WITHOUT


_MARKER_ENDPOINTS = frozenset(
    {
        "marker_association",
        "pathway_phosphorylation",
        "protein_level",
        "gene_expression",
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
                text(_said(record, "endpoint")),
                text(_said(record, "evidence_kind")),
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
            TableColumn(heading="Evidence", width=1.5),
            TableColumn(heading="Tumor type", width=1.6),
            TableColumn(heading="Result", width=3.8),
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
            f"What {counted(len(animal), 'row')} on animal efficacy that may carry a claim "
            "give, and why not."
        ),
        columns=(
            TableColumn(heading="Field", width=1.5),
            *(TableColumn(heading=state.replace("_", " "), align="right") for state in states),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    text(column_label(name)),
                    *(
                        text(str(sum(getattr(r, name).state == state for r in animal)))
                        for state in states
                    ),
                )
            )
            for name in _QUANTITIES
        ),
    )

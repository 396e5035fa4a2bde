"""A document with every kind of block, inline, badge and note, and text hard to escape."""

from __future__ import annotations

from typing import get_args

from oncovivo.documents import (
    Badge,
    BadgeKind,
    Bibliography,
    Block,
    Card,
    Document,
    Figure,
    Link,
    Listing,
    Note,
    Paragraph,
    Reference,
    Section,
    Sentence,
    Table,
    TableColumn,
    TableRow,
    Text,
    text,
)

HOSTILE = (
    "<script>alert(\"x\")</script> & 'q' #panic() $x^2$ *b* _i_ `c` "
    "\\n @ref [y] {{ z }} ]] ~ -- //"
)
SYMBOLS = "≥ ≤ µ ³ ² × → – Å é — ± α β τ² κ °C ½ “quoted” \u2018single\u2019 … · ✓"
LONG_TOKENS = (
    "https://doi.org/10.1000/1535-7163.EXAMPLE-06-0789/supplement/"
    "verylongsuffixwithoutanybreak0123456789verylongsuffixwithoutanybreak0123456789",
    "RRID:CVCL_1056/IMSR_JAX:002019/NOD.CB17-Prkdcscid/J",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "studies/example_four_arms/measurements_of_all_animals_in_all_arms.csv",
)


def picture(name: str, color: str) -> str:
    """A small picture with an id, a reference to it and a style rule for everything."""
    return f"""<?xml version="1.0" encoding="utf-8" standalone="no"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
 width="460pt" height="170pt" viewBox="0 0 460 170" version="1.1">
<metadata><a href="http://example.org/">not shown</a></metadata>
<style type="text/css">*{{stroke-linejoin: round}} #tip{{opacity: 1}}
.label{{font-size: 13px; font-family: DejaVu Sans, sans-serif; text-anchor: middle}}</style>
<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7"
 orient="auto"><path d="M0 0L10 5L0 10z" fill="{color}"/></marker></defs>
<rect x="20" y="50" width="130" height="60" rx="8" fill="#eef4f6" stroke="{color}"/>
<text class="label" x="85" y="85">{name}</text>
<path d="M150 80L300 80" stroke="{color}" stroke-width="2" marker-end="url(#tip)"/>
<rect x="305" y="50" width="130" height="60" rx="8" fill="#eef4f6" stroke="{color}"/>
<text class="label" x="370" y="85">≥ 5 µmol/L</text>
<use xlink:href="#tip"/>
</svg>"""


def specimen() -> Document:
    """The document."""
    verdicts: tuple[BadgeKind, ...] = (
        "supported",
        "partly_supported",
        "unsupported",
        "contradicted",
        "uncited",
        "opinion",
    )
    sentences = tuple(_sentence(number, kind) for number, kind in enumerate(verdicts, start=1))
    every_badge = tuple(
        part
        for kind in get_args(BadgeKind)
        for part in (Badge(content=kind.replace("_", " "), kind=kind), Text(content=" "))
    )
    return Document(
        title="Temsirolimus in animal models of cancer",
        subtitle="What the animal evidence shows, sentence by sentence, and what stands behind it",
        date="2026-01-02",
        authors=("Åsa Müller", "J. O'Neil & Sons"),
        keywords=("xenograft", "mTOR"),
        sections=(
            Section(
                anchor="summary",
                title="Summary",
                blocks=(
                    Paragraph(
                        content=(
                            Text(content="Every sentence below was tested against the rows. It "),
                            Text(content="fails", style="strong"),
                            Text(content=" when the rows "),
                            Text(content="change", style="emphasis"),
                            Text(content=". CO"),
                            Text(content="2", style="subscript"),
                            Text(content=" and 10"),
                            Text(content="3", style="superscript"),
                            Text(content=" cells, read with "),
                            Text(content="oncovivo guide build", style="code"),
                            Text(content=". See "),
                            Link(content="the rows", target="tab:rows"),
                            Text(content="."),
                        )
                    ),
                    *sentences,
                    Note(kind="simulated", content=text("The four-arm study is simulated.")),
                    Note(kind="warning", content=text("Two references could not be opened.")),
                    Note(kind="error", content=text("One claim fell.")),
                    Note(kind="info", content=text("Numbers with a dotted line open their rows.")),
                ),
            ),
            Section(
                anchor="evidence",
                title="Evidence per tumor type",
                blocks=(Paragraph(content=text("Rows are grouped by tumor type.")),),
            ),
            Section(
                anchor="evidence/renal",
                title="Renal cell carcinoma",
                level=2,
                blocks=(_table(), _figure("pathway", "#0b5b73"), _figure("workflow", "#8f1d1d")),
            ),
            Section(
                anchor="escaping",
                title='Characters <b>&</b> "marks" #1 $2 *3*',
                level=3,
                blocks=(
                    Paragraph(content=text(HOSTILE)),
                    Paragraph(content=text(SYMBOLS)),
                    Paragraph(content=every_badge),
                    Listing(items=tuple(text(token) for token in LONG_TOKENS)),
                    Listing(items=(text("first"), text("second")), ordered=True),
                ),
            ),
            Section(
                anchor="rows",
                title="Claims and rows",
                blocks=(*(_claim_card(n) for n in range(1, 7)), *_row_cards()),
            ),
            Section(
                anchor="references",
                title="References",
                blocks=(
                    Bibliography(
                        entries=(
                            Reference(
                                anchor="ref:1",
                                label="1",
                                content=(
                                    Text(content="Author A, Brown É. A made-up trial in mice. "),
                                    Text(content="Journal of Examples", style="emphasis"),
                                    Text(content=" 2020;1:1–9. "),
                                    Link(
                                        content="doi:10.1000/182",
                                        url="https://doi.org/10.1000/182",
                                    ),
                                ),
                                remark=(
                                    Text(content="Abstract read. "),
                                    Badge(content="context", kind="context"),
                                ),
                            ),
                            Reference(
                                anchor="ref:2",
                                label="2",
                                content=text("Another B. A second made-up trial. 2021."),
                            ),
                        )
                    ),
                ),
            ),
        ),
    )


def _sentence(number: int, kind: BadgeKind) -> Sentence:
    return Sentence(
        anchor=f"sentence:{number}",
        content=(
            Text(content="Animal efficacy in renal cell carcinoma rests on "),
            Link(content=f"{number + 2}", target=f"claim:{number}"),
            Text(content=" rows, the largest of which treated "),
            Link(content="12", target="row:1"),
            Text(content=" animals for 21 days "),
            Link(content="[1]", target="ref:1"),
            Text(content="."),
        ),
        verdict=Badge(content=kind.replace("_", " "), kind=kind),
        detail=f"claim:{number}",
    )


def _claim_card(number: int) -> Card:
    return Card(
        anchor=f"claim:{number}",
        title=(Text(content=f"Claim C{number} "), Badge(content="supported", kind="supported")),
        items=(
            ("Query", (Text(content="tumor = RCC, kind = animal", style="code"),)),
            ("Rows", (Link(content="row 1", target="row:1"), Text(content=", and one more"))),
            ("Verdict", text("supporting 3, contradicting 0, needed 2")),
        ),
    )


def _row_cards() -> tuple[Block, ...]:
    return tuple(
        Card(
            anchor=f"row:{number}",
            title=text(f"Row {number}: 786-O xenograft"),
            items=(
                ("Host", text("BALB/c nu/nu, RRID:IMSR_JAX:002019")),
                ("Regimen", text("temsirolimus 20 mg/kg i.v. qd x5")),
                ("Digest", (Text(content=LONG_TOKENS[2], style="code"),)),
                (
                    "Source",
                    (Link(content="reference 1", target="ref:1"), Text(content=", Table 2")),
                ),
            ),
        )
        for number in range(1, 4)
    )


def _table() -> Table:
    columns = (
        TableColumn(heading="Line", width=1.4),
        TableColumn(heading="Host", width=1.6),
        TableColumn(heading="Graft"),
        TableColumn(heading="Regimen", width=2.2),
        TableColumn(heading="n", width=0.5, align="right"),
        TableColumn(heading="T/C, %", width=0.7, align="right"),
        TableColumn(heading="Direction", align="center"),
        TableColumn(heading="Source", width=0.8),
    )
    rows = tuple(
        TableRow(
            anchor=f"line:{number}",
            cells=(
                text(f"786-O subline {number}"),
                text("BALB/c nu/nu RRID:IMSR_JAX:002019"),
                text("cdx"),
                text("temsirolimus 20 mg/kg i.v. 5/2 x4 wk, then observation"),
                (Link(content=str(number), target="row:1"),),
                text(f"{number}.5"),
                (Badge(content="supported", kind="supported"),),
                (Link(content="[1]", target="ref:1"),),
            ),
        )
        for number in range(1, 61)
    )
    return Table(
        anchor="tab:rows",
        caption=text("Table 1. Sixty rows of one made-up line."),
        columns=columns,
        rows=rows,
        note=text("n counts treated animals; T/C is a ratio of medians on day 21."),
    )


def _figure(name: str, color: str) -> Figure:
    return Figure(
        anchor=f"fig:{name}",
        svg=picture(name, color),
        caption=text(f"Figure. The {name} as two boxes."),
        description=f"Two boxes; an arrow leads from the {name} to at least 5 µmol/L.",
    )

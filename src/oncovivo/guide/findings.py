"""Lint findings, waivers and provenance as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from oncovivo.documents import (
    Badge,
    Block,
    Inline,
    Link,
    Paragraph,
    Table,
    TableColumn,
    TableRow,
    Text,
    text,
)
from oncovivo.evidence.lint import Finding
from oncovivo.guide.sentences import row_links
from oncovivo.guide.wording import counted
from oncovivo.provenance import Provenance

__all__ = ["finding_blocks", "provenance_blocks"]


def finding_blocks(findings: Sequence[Finding]) -> tuple[Block, ...]:
    """The findings that stand, and those that a waiver accepts."""
    standing = [finding for finding in findings if not finding.waived]
    waived = [finding for finding in findings if finding.waived]
    blocks: list[Block] = [
        Paragraph(
            content=text(
                f"The linter found {counted(len(standing), 'defect')} that "
                f"{'stands' if len(standing) == 1 else 'stand'} and {len(waived)} that a waiver "
                "accepts for a stated reason."
            )
        )
    ]
    if standing:
        blocks.append(
            Table(
                anchor="table-findings",
                caption=text("Findings that stand."),
                columns=(
                    TableColumn(heading="Rule", width=1),
                    TableColumn(heading="Severity", width=1),
                    TableColumn(heading="What was found", width=4),
                    TableColumn(heading="Where", width=2),
                    TableColumn(heading="How to mend it", width=3),
                ),
                rows=tuple(
                    TableRow(
                        cells=(
                            text(finding.rule),
                            (Badge(content=finding.severity, kind=finding.severity),),
                            text(finding.message),
                            _places(finding),
                            text(finding.mend),
                        )
                    )
                    for finding in standing
                ),
            )
        )
    if waived:
        blocks.append(
            Table(
                anchor="table-waivers",
                caption=text("Findings that a waiver accepts."),
                columns=(
                    TableColumn(heading="Rule", width=1),
                    TableColumn(heading="What was found", width=4),
                    TableColumn(heading="Where", width=1.6),
                    TableColumn(heading="Why it is accepted", width=3.4),
                    TableColumn(heading="Date, by", width=1.6),
                ),
                rows=tuple(_waived_row(finding) for finding in waived),
            )
        )
    return tuple(blocks)


def _waived_row(finding: Finding) -> TableRow:
    waiver = finding.waiver
    reason = waiver.reason if waiver else ""
    signed = f"{waiver.date.isoformat()}, {waiver.by}" if waiver else ""
    return TableRow(
        cells=(
            text(finding.rule),
            text(finding.message),
            _places(finding),
            text(reason),
            text(signed),
        )
    )


def _places(finding: Finding) -> tuple[Inline, ...]:
    """Links to the rows and claims that a finding points to, and names of everything else."""
    inlines: list[Inline] = []
    if finding.rows:
        inlines += row_links(finding.rows)
    for claim in finding.claims:
        inlines += [Text(content=", ")] if inlines else []
        inlines.append(Link(content=claim, target=f"claim-{claim}"))
    for subject in finding.subjects:
        inlines += [Text(content=", ")] if inlines else []
        inlines.append(Text(content=subject))
    return tuple(inlines) or text("the guide")


def provenance_blocks(
    provenance: Provenance, seeds: Mapping[str, int] = MappingProxyType({})
) -> tuple[Block, ...]:
    """Date, seeds, versions and the digest of every input.

    `seeds` are those of parts of the document that drew at random, by what each is called.
    """
    seed = "none: nothing was drawn at random" if provenance.seed is None else str(provenance.seed)
    if seeds:
        each = ", ".join(f"{number} for {name}" for name, number in seeds.items())
        seed = f"from the digest of each file, unless it states one: {each}"
    return (
        Paragraph(
            content=text(
                f"Built by {provenance.program} on {provenance.date}. Seed: {seed}. SHA-256 over "
                f"all inputs: {provenance.digest}."
            )
        ),
        Table(
            anchor="table-inputs",
            caption=text("Every file that was read, with its SHA-256."),
            columns=(
                TableColumn(heading="File", width=2),
                TableColumn(heading="SHA-256", width=4),
            ),
            rows=tuple(
                TableRow(cells=(text(file.name), (Text(content=file.sha256, style="code"),)))
                for file in provenance.inputs
            ),
        ),
        Table(
            anchor="table-versions",
            caption=text("Versions of what can change the output."),
            columns=(TableColumn(heading="Package", width=2), TableColumn(heading="Version")),
            rows=tuple(
                TableRow(cells=(text(name), text(version)))
                for name, version in sorted(provenance.versions.items())
            ),
        ),
    )

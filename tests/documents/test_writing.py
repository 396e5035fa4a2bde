"""Tables to write into and sections that begin a page, in both renderers."""

from __future__ import annotations

from dataclasses import replace

from oncovivo.documents import (
    Document,
    Section,
    Table,
    TableColumn,
    TableRow,
    render_html,
    render_typst,
    text,
)


def document(table: Table, section: Section) -> Document:
    blocks = replace(section, blocks=(table,))
    return Document(title="T", subtitle="", date="2026-01-02", sections=(blocks,))


def rows(n: int) -> tuple[TableRow, ...]:
    return tuple(TableRow(cells=(text(f"m{i}"), ())) for i in range(n))


READ = Table(
    anchor="t",
    caption=text("C"),
    columns=(TableColumn(heading="animal"), TableColumn(heading="initials")),
    rows=rows(3),
)
HERE = Section(anchor="s", title="S")


def test_a_table_to_write_into_has_room_and_one_to_read_is_as_it_was() -> None:
    write = replace(READ, use="writing")
    assert 'class="ov-table ov-writing ov-whole"' in render_html(document(write, HERE))
    assert 'class="ov-table"' in render_html(document(READ, HERE))
    source, _ = render_typst(document(write, HERE))
    assert "writing: true, whole: true" in source.split("#data-table(")[-1]
    source, _ = render_typst(document(READ, HERE))
    assert "writing" not in source.split("#data-table(")[-1]


def test_a_long_table_to_write_into_may_break_over_pages() -> None:
    table = replace(READ, use="writing", rows=rows(40))
    assert 'class="ov-table ov-writing"' in render_html(document(table, HERE))
    source, _ = render_typst(document(table, HERE))
    assert "writing: true, whole: false" in source.split("#data-table(")[-1]


def test_a_section_may_begin_a_page() -> None:
    page = replace(HERE, begins="page")
    assert "ov-level-1 ov-page" in render_html(document(READ, page))
    assert " ov-page" not in render_html(document(READ, HERE)).split("<body>")[1]
    assert "#pagebreak(weak: true)\n\n#heading" in render_typst(document(READ, page))[0]
    assert "#pagebreak(weak: true)\n\n#heading" not in render_typst(document(READ, HERE))[0]

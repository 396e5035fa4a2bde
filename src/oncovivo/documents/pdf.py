"""The PDF: the same content, set by typst."""

from __future__ import annotations

import re
import shutil
import tempfile
import warnings
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

from oncovivo.documents.check import check_document
from oncovivo.documents.columns import (
    LONGEST,
    TEXT_WIDTH,
    break_token,
    characters_in,
    fit_columns,
    font_size,
    rows_fit,
)
from oncovivo.documents.glyphs import code_points
from oncovivo.documents.model import (
    Badge,
    Bibliography,
    Block,
    Card,
    Document,
    Figure,
    Inline,
    Link,
    Listing,
    Note,
    Paragraph,
    Section,
    Sentence,
    Table,
    Text,
)
from oncovivo.documents.svg import read_size, words_of
from oncovivo.documents.walk import inlines
from oncovivo.errors import DataWarning, InputError, MissingExtraError, ProjectError

__all__ = ["render_pdf", "render_typst"]

_PICTURE_HEIGHT = 600.0  # pt; a taller picture would leave no room for its caption on an A4 page
_HIGH_PICTURE = 250.0  # pt; a higher one moves to the next page and lets the text go on
_CARD_LENGTH = 2000  # characters of source; a longer card may break over columns
_MOST_LINKS = 6  # of one value of a card
_SPACE = re.compile(r"[ \t\r\n\f]+")
_WRAP = {
    "strong": "strong",
    "emphasis": "emph",
    "code": "code",
    "subscript": "sub",
    "superscript": "super",
}
_NOTE_WORDS = {"info": "Note", "warning": "Warning", "error": "Error", "simulated": "Simulated"}


def render_pdf(document: Document, *, timestamp: int) -> bytes:
    """The document as a tagged PDF (PDF/UA-1).

    Only fonts that travel in Python packages are used, so the bytes do not depend on the machine.

    Parameters
    ----------
    document : Document
        What to render.
    timestamp : int
        Creation time written into the file, seconds since 1970-01-01 UTC.

    Returns
    -------
    bytes
        The same bytes for the same document, timestamp and versions of typst and matplotlib.

    Raises
    ------
    InputError
        If the document contradicts itself, see
        :func:`~oncovivo.documents.check.check_document`, or holds a character for which the fonts
        have no glyph.
    MissingExtraError
        If typst is not installed.
    ProjectError
        If typst cannot set the document.

    Warns
    -----
    DataWarning
        If typst has a remark.
    """
    try:
        import typst
    except ImportError as err:
        raise MissingExtraError("guide", "typst") from err
    source, pictures = render_typst(document)
    _check_glyphs(document)
    with tempfile.TemporaryDirectory(prefix="oncovivo-") as folder:
        for name, content in pictures.items():
            Path(folder, name).write_bytes(content)
        fonts = Path(folder, "fonts")
        fonts.mkdir()
        for path in _font_files():
            shutil.copyfile(path, fonts / path.name)
        main = Path(folder, "main.typ")
        main.write_text(source, encoding="utf-8")
        try:
            pdf, remarks = typst.compile_with_warnings(
                main,
                root=Path(folder),
                font_paths=[fonts],
                ignore_system_fonts=True,
                format="pdf",
                pdf_standards=["ua-1"],
                timestamp=timestamp,
            )
        except typst.TypstError as err:
            raise ProjectError(
                "a document that typst can set as PDF", found=err.message, where=document.title
            ) from err
    for remark in remarks:
        warnings.warn(f"typst: {remark.message}", DataWarning, stacklevel=2)
    return pdf


def render_typst(document: Document) -> tuple[str, dict[str, bytes]]:
    r"""The document as typst source, with the pictures that it names.

    Text stands in the source only inside string literals.

    Parameters
    ----------
    document : Document
        What to render.

    Returns
    -------
    tuple of str and dict
        The source, and SVG bytes by file name.

    Raises
    ------
    InputError
        If the document contradicts itself, see :func:`~oncovivo.documents.check.check_document`.

    Examples
    --------
    >>> from oncovivo.documents.model import Document, Paragraph, Section, text
    >>> source, pictures = render_typst(
    ...     Document(
    ...         title="A guide",
    ...         subtitle="",
    ...         date="2026-01-02",
    ...         sections=(
    ...             Section(anchor="s:1", title="S", blocks=(Paragraph(content=text('#"x"')),)),
    ...         ),
    ...     )
    ... )
    >>> print(source[source.index("#heading(level: 1)[") :].strip())
    #heading(level: 1)[#"S";]#label("a-s_3a_1")
    <BLANKLINE>
    #par[#"#\"x\"";]
    """
    check_document(document)
    pictures: dict[str, bytes] = {}
    lines = [
        files("oncovivo.documents")
        .joinpath("templates", "prelude.typ")
        .read_text(encoding="utf-8"),
        _opening(document),
    ]
    for section in document.sections:
        if section.begins == "page":
            lines.append("#pagebreak(weak: true)")
        lines.append(
            f"#heading(level: {section.level}){_line((Text(content=section.title),))}"
            f"{_label(section.anchor)}"
        )
        for wrapper, group in groupby(section.blocks, key=_wrapper):
            calls = [_block(block, section, pictures) for block in group]
            lines.extend([f"#{wrapper}[", *calls, "]"] if wrapper else calls)
    return "\n\n".join(lines) + "\n", pictures


def _opening(document: Document) -> str:
    """The call that sets up the pages, with the metadata."""
    language, _, rest = document.language.partition("-")
    region = next((part for part in rest.split("-") if len(part) == 2), "")
    byline = " · ".join(
        part for part in (", ".join(document.authors), document.date, document.generator) if part
    )
    arguments = (
        _string(document.title),
        _string(document.subtitle),
        _string(byline),
        _string(language.lower()),
        _string(region.upper()) if region else "none",
        _array(_string(author) for author in document.authors),
        _array(_string(word) for word in document.keywords),
    )
    return f"#show: body => guide({', '.join(arguments)}, body)"


def _block(block: Block, section: Section, pictures: dict[str, bytes]) -> str:
    """One block as one call."""
    if isinstance(block, Paragraph):
        call = "introduction" if _introduces(block, section) else "par"
        return f"#{call}{_line(block.content)}"
    if isinstance(block, Sentence):
        verdict = Badge(
            content=block.verdict.content, kind=block.verdict.kind, target=block.detail
        )
        return f"#sentence({_line(block.content)}, {_line((verdict,))}){_label(block.anchor)}"
    if isinstance(block, Listing):
        items = ", ".join(_line(item) for item in block.items)
        return f"#{'enum' if block.ordered else 'list'}({items})"
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Figure):
        return _figure(block, pictures)
    if isinstance(block, Note):
        word = _NOTE_WORDS[block.kind]
        return f"#note({_string(block.kind)}, {_string(word)}, {_line(block.content)})"
    if isinstance(block, Card):
        return _card(block, section)
    return _bibliography(block)


def _wrapper(block: Block) -> str:
    """The function that sets a run of blocks of one kind; none for most kinds."""
    if isinstance(block, Sentence):
        return "ledger"
    return "cards" if isinstance(block, Card) else ""


def _introduces(paragraph: Paragraph, section: Section) -> bool:
    """Whether a paragraph stands alone between a heading and a table or cards."""
    return (
        len(section.blocks) > 1
        and section.blocks[0] is paragraph
        and isinstance(section.blocks[1], Card | Table)
    )


def _card(card: Card, section: Section) -> str:
    """A heading and one paragraph in which each term begins its value."""
    fields = "".join(
        f"#term({_string(term)}){_inlines(_less_linked(content))}" for term, content in card.items
    )
    if card.brief:
        return f"#brief({_line(card.title)}, [{fields}]){_label(card.anchor)}"
    breaks = "true" if len(fields) > _CARD_LENGTH else "false"
    return (
        f"#card({section.level + 1}, {breaks}, {_line(card.title)}, [{fields}])"
        f"{_label(card.anchor)}"
    )


def _less_linked(content: tuple[Inline, ...]) -> tuple[Inline, ...]:
    """A value with its first links only: each costs the time and size of a paragraph."""
    links = [at for at, inline in enumerate(content) if isinstance(inline, Link) and inline.target]
    plain_from = links[_MOST_LINKS] if len(links) > _MOST_LINKS else len(content)
    return tuple(
        Text(content=inline.content)
        if at >= plain_from and isinstance(inline, Link) and inline.target
        else inline
        for at, inline in enumerate(content)
    )


def _table(table: Table) -> str:
    """A table whose columns are as wide as their longest words need."""
    size = font_size(len(table.columns))
    widths = fit_columns(table, size)
    room = [characters_in(width, size) for width in widths]
    cells = [
        f"[{_mark(row.anchor) if row.anchor and number == 0 else ''}"
        f"{_inlines(cell, longest=room[number])}]"
        for row in table.rows
        for number, cell in enumerate(row.cells)
    ]
    arguments = [
        _array(f"{width:.4f}fr" for width in widths),
        _array(column.align for column in table.columns),
        f"{size}pt",
        "false" if rows_fit(table, widths, size) else "true",
        _line(table.caption) if table.caption else "none",
        _array(_line((Text(content=column.heading),)) for column in table.columns),
        _line(table.note) if table.note else "none",
        *_writing(table),
        *cells,
    ]
    return f"#data-table({', '.join(arguments)}){_label(table.anchor)}"


def _writing(table: Table) -> tuple[str, ...]:
    """What a table to write into needs besides: room, and all of its rows in sight."""
    if table.use == "reading":
        return ()
    return ("writing: true", f"whole: {'true' if table.whole else 'false'}")


def _figure(figure: Figure, pictures: dict[str, bytes]) -> str:
    """A picture at its natural size, or smaller where the page is."""
    name = f"figure-{len(pictures) + 1}.svg"
    pictures[name] = figure.svg.encode()
    size = read_size(figure.svg, where=f"figure {figure.anchor}")
    width = min(size.width, TEXT_WIDTH, _PICTURE_HEIGHT * size.width / size.height)
    caption = _line(figure.caption) if figure.caption else "none"
    floats = "true" if width * size.height / size.width > _HIGH_PICTURE else "false"
    return (
        f"#picture({_string(name)}, {width:.2f}pt, {floats}, "
        f"{_string(figure.description)}, {caption})"
        f"{_label(figure.anchor)}"
    )


def _bibliography(block: Bibliography) -> str:
    """The references, one entry each."""
    lines = []
    for entry in block.entries:
        remark = f"#remark{_line(entry.remark)}" if entry.remark else ""
        lines.append(
            f"#entry({_string(entry.label)}, [{_inlines(entry.content)}{remark}])"
            f"{_label(entry.anchor)}"
        )
    return "\n".join(lines)


def _line(content: tuple[Inline, ...]) -> str:
    """Inlines as a content block."""
    return f"[{_inlines(content)}]"


def _inlines(content: tuple[Inline, ...], *, longest: int = LONGEST) -> str:
    """Inlines as calls and string literals, each closed by a semicolon."""
    parts: list[str] = []
    for inline in content:
        words = _words(inline.content, longest)
        if isinstance(inline, Badge):
            shown = f"badge({_string(inline.kind)}, [{words}])"
            link = f"link(label({_string(_name(inline.target))}), {shown})"
            parts.append(f"#{link if inline.target else shown};")
        elif isinstance(inline, Link):
            call, to = ("out", inline.url) if inline.url else ("go", _name(inline.target))
            parts.append(f"#{call}({_string(to)}, [{words}]);")
        elif inline.style == "plain":
            parts.append(words)
        else:
            parts.append(f"#{_WRAP[inline.style]}[{words}];")
    return "".join(parts)


def _words(content: str, longest: int) -> str:
    """Text as string literals with places to break inside long tokens."""
    pieces = break_token(_SPACE.sub(" ", content), longest=longest)
    return "#z;".join(f"#{_string(piece)};" for piece in pieces)


def _string(content: str) -> str:
    """A typst string literal."""
    escaped = content.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'


def _array(items: Iterable[str]) -> str:
    """A typst array, also of one item."""
    return "(" + "".join(f"{item}, " for item in items) + ")"


def _name(anchor: str) -> str:
    """An anchor as a label: other characters become their code point, so two never meet."""
    return "a-" + "".join(
        character
        if character.isascii() and (character.isalnum() or character in "-.")
        else f"_{ord(character):x}_"
        for character in anchor
    )


def _label(anchor: str) -> str:
    return f"#label({_string(_name(anchor))})"


def _mark(anchor: str) -> str:
    """Something without extent that carries a label."""
    return f"#metadata(none){_label(anchor)}"


def _font_folder() -> Path:
    """The fonts that matplotlib ships; to find them it need not be imported.

    Raises
    ------
    ProjectError
        If matplotlib is not installed.
    """
    found = find_spec("matplotlib")
    if found is None or found.origin is None:
        raise ProjectError("an installed matplotlib, for its fonts", found="none")
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"


def _font_files() -> list[Path]:
    """The DejaVu fonts that matplotlib ships; typst brings its own serif."""
    return sorted(_font_folder().glob("DejaVuSans*.ttf"))


@cache
def _glyphs() -> frozenset[int]:
    """Code points of the font that stands behind every other one."""
    return code_points((_font_folder() / "DejaVuSans.ttf").read_bytes())


def _check_glyphs(document: Document) -> None:
    """Every character has a glyph: an empty box in print is a silent loss."""
    known = _glyphs()
    lines = [
        (document.title + document.subtitle, "document"),
        *((author, "document, field authors") for author in document.authors),
        *((section.title, f"section {section.anchor}") for section in document.sections),
        *((inline.content, f"section {section}") for inline, section in inlines(document)),
        *(
            (words_of(block.svg, where=f"figure {block.anchor}"), f"figure {block.anchor}")
            for section in document.sections
            for block in section.blocks
            if isinstance(block, Figure)
        ),
    ]
    for line, where in lines:
        for character in line:
            if ord(character) not in known and not character.isspace():
                raise InputError(
                    "characters that the fonts of the PDF have",
                    found=f"{character!r} (U+{ord(character):04X})",
                    where=where,
                    mend="write it in Latin, Greek or Cyrillic letters",
                )

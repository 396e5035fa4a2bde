"""Exports of searches are read in four formats, and what cannot be read is said in one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncovivo.errors import FileFormatError, InputError
from oncovivo.evidence.screening import (
    FoundRecord,
    Source,
    read_exports,
    read_search,
    write_search,
)
from oncovivo.evidence.screening.bibtex import parse_bibtex
from oncovivo.evidence.screening.csl import parse_csl
from oncovivo.evidence.screening.entries import Entry
from oncovivo.evidence.screening.latex import plain_latex
from oncovivo.evidence.screening.nbib import parse_nbib
from oncovivo.evidence.screening.ris import parse_ris
from tests.evidence.screening_records import EXAMPLE, record

RIS = """Provider: Nowhere
TY  - JOUR
AU  - Fictus, Ada
AU  - Inventor; Bo
TI  - A made-up title
  in two lines
PY  - 2019/03/01/
JF  - Journal of Invented Results
VL  - 12
IS  - 3
SP  - 101
EP  - 109
DO  - https://doi.org/10.9999/MADE.1
AN  - 99999901
DB  - PubMed
N2  - Invented.

And more.
LA  - eng
UR  - https://example.org/1
ER  -
TY - JOUR
T1  - Another
Y1  - in press
DO  - none
ER  -
"""
NBIB = """
PMID- 99999901
TI  - A made-up title
      in two lines.
PG  - 101-9
LID - S0000(19)1 [pii]
LID - 10.9999/made.1 [doi]
AB  - Invented - with hyphens.
FAU - Fictus, Ada
AU  - Fictus A
CN  - Group of Nobody
LA  - eng
PT  - Journal Article
DP  - 2019 Mar-Apr
TA  - J Invent Results
JT  - Journal of Invented Results
VI  - 12
IP  - 3
PMC - PMC0000
PMID- 99999902
TI  - Another
AU  - Inventor B
TA  - J Invent Results
"""
BIBTEX = r"""Words between entries are comment, also with an apostrophe's sign.
@comment{ not {read} @article{x, title = {no}} }
@PREAMBLE{"\newcommand{\noopsort}[1]{}"}
@string(jir = {Journal of } # "Invented Results")
@Article{fictus2019,
  author = "Fictus, Ada and {\"O}zfiktiv, Deniz and {Group of this and that} and others",
  Title = {A {Made-Up} title --- with \textit{in vivo} \& {\ss} 50\%},
  journal = jir, year = 2019, month = mar # "~1",
  volume = {12}, number = 3, pages = {101--109},
  doi = {10.9999/made\_1},
}
@misc(other, title = {A "quoted" word})
"""


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_ris_gives_every_field(tmp_path: Path) -> None:
    found = read_exports([write(tmp_path, "made.ris", RIS)])
    first, second = found.records
    assert first == FoundRecord(
        record_id="made.ris:1",
        database="PubMed",
        source_kind="database",
        file="made.ris",
        number=1,
        line=2,
        type="JOUR",
        title="A made-up title in two lines",
        authors=("Fictus, Ada", "Inventor Bo"),
        year=2019,
        journal="Journal of Invented Results",
        volume="12",
        issue="3",
        pages="101-109",
        doi="10.9999/made.1",
        pmid="99999901",
        url="https://example.org/1",
        language="eng",
        abstract="Invented. And more.",
    )
    assert (second.title, second.year, second.doi, second.line) == ("Another", None, "", 22)
    assert second.database == "made"
    assert [(one.record_id, one.message) for one in found.remarks] == [
        ("made.ris:2", "no year in the date 'in press'"),
        ("made.ris:2", "not a DOI, left out: 'none'"),
    ]


def test_an_accession_number_is_a_pubmed_number_only_where_pubmed_gave_it() -> None:
    text = RIS.replace("DB  - PubMed", "DB  - Nowhere")
    assert parse_ris(text, where="a.ris")[0].pmid == ""


def test_the_format_of_pubmed_gives_every_field(tmp_path: Path) -> None:
    first, second = read_exports([write(tmp_path, "set.txt", NBIB)]).records
    assert first.title == "A made-up title in two lines."
    assert first.authors == ("Fictus, Ada", "Group of Nobody")
    assert (first.doi, first.pmid, first.pages) == ("10.9999/made.1", "99999901", "101-9")
    assert (first.year, first.volume, first.issue) == (2019, "12", "3")
    assert first.journal == "Journal of Invented Results"
    assert first.abstract == "Invented - with hyphens."
    assert (first.line, second.line) == (2, 20)
    assert (second.authors, second.journal) == (("Inventor B",), "J Invent Results")


def test_bibtex_gives_every_field(tmp_path: Path) -> None:
    first, second = read_exports([write(tmp_path, "made.bib", BIBTEX)]).records
    assert first.title == "A Made-Up title — with in vivo & ß 50%"
    assert first.authors == ("Fictus, Ada", "Özfiktiv, Deniz", "Group of this and that")
    assert first.journal == "Journal of Invented Results"
    assert (first.year, first.volume, first.issue) == (2019, "12", "3")
    assert (first.pages, first.doi) == ("101-109", "10.9999/made_1")
    assert (first.type, first.line, second.line) == ("article", 5, 12)
    assert second.title == 'A "quoted" word'


@pytest.mark.parametrize(
    ("latex", "plain"),
    [
        (
            r"\'e \`{e} {\^e} \~n \=a \.z \u{g} \v s \H{o} \c{c} \k a \r{a}",
            "é è ê ñ ā ż ğ š ő ç ą å",
        ),
        (r"\'{\i} \o\O{} {\l}ódź \aa ngstr\"om", "í øØ łódź ångström"),
        (r"$\beta$-actin, 5~mm, ``so'' \url{a\_b}", "β-actin, 5 mm, “so” a_b"),
        (r"\textbf{a} {\em b} \#1 \$2", "a b #1 $2"),
    ],
)
def test_latex_becomes_plain_text(latex: str, plain: str) -> None:
    assert plain_latex(latex) == (plain, ())


def test_latex_that_is_not_known_stays_and_is_remarked_on(tmp_path: Path) -> None:
    path = write(tmp_path, "a.bib", r"@misc{x, title = {On \fancy{y}}}")
    found = read_exports([path])
    assert found.records[0].title == r"On \fancyy"
    assert found.remarks[0].message.endswith(r"left as it stands: \fancy")


def test_csl_gives_every_field() -> None:
    text = """{"items": [{"type": "article-journal", "title": "Made up", "volume": 12,
    "page": "1-9", "author": [{"family": "Fictus", "given": "Ada"}, {"literal": "Nobody"},
               {"non-dropping-particle": "van", "family": "Niemand"}],
    "issued": {"date-parts": [["2019", 3]]}, "DOI": "10.9999/made.1"},
    {"title": "Undated", "issued": {"raw": "May 2001"}}, {}]}"""
    first, second, third = parse_csl(text, where="a.json")
    assert first.authors == ("Fictus, Ada", "Nobody", "van Niemand")
    assert (first.date, first.volume, first.pages) == ("2019", "12", "1-9")
    assert (second.date, third.title) == ("May 2001", "")


def test_a_byte_order_mark_and_line_ends_of_any_system_make_no_difference(tmp_path: Path) -> None:
    plain = read_exports([write(tmp_path, "a.ris", RIS)]).records
    for text in (RIS.replace("\n", "\r\n"), RIS.replace("\n", "\r")):
        path = write(tmp_path, "a.ris", b"\xef\xbb\xbf" + text.encode())
        assert read_exports([path]).records == plain


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.ris", "TY  - JOUR\nTI  - Ö\n".encode("latin-1"), "a.ris line 2: expected UTF-8 text"),
        ("a.ris", "TY  - JOUR".encode("utf-16"), "found UTF-16"),
        ("a.ris", b"", "expected at least one record, found none"),
        ("a.txt", b"hello", "expected an export as RIS, BibTeX, NBIB or CSL-JSON, found 'hello'"),
        ("a.txt", b"", "found an empty file"),
        ("a.ris", b"TI  - early\n", "a.ris line 1: expected an entry that starts with the tag TY"),
        (
            "a.ris",
            b"\nTY  - JOUR\nTI  - cut",
            "a.ris line 2: expected the tag ER .*end of the file",
        ),
        ("a.ris", b"TY  - JOUR\nTY  - JOUR\nER  -\n", "line 1: .*the next entry in line 2"),
        ("a.ris", b"TY  - JOUR\nTI  - \x07\nER  -\n", "line 2: expected text without control"),
        (
            "a.nbib",
            b"TI  - no number\n",
            "a.nbib line 1: expected an entry that starts with the tag PMID",
        ),
        ("a.nbib", b"PMID- 1\nTitle\n", "a.nbib line 2: expected a tag such as TI"),
        ("a.bib", b"\n@a{x, title = {open }\n", "a.bib line 2: .*, found the end of the file"),
        ("a.bib", b'@a{x, title = "open}"}', "expected a closing quote, found a closing brace"),
        ("a.bib", b"@a{x,\n title = nowhere}", "line 2: expected an abbreviation .* 'nowhere'"),
        ("a.bib", b"@a{x, year = 1,\nyear = 2}", "line 2: expected each field once"),
        ("a.bib", b"@a{x, title {T}}", "expected '=', found '{'"),
        ("a.bib", b"@a{x, title = }", "expected a value in braces or quotes, found '}'"),
        ("a.bib", b"@a{x, title = {T} year = 1}", "expected '}', found 'y'"),
        ("a.bib", b"@a{x, t = " + b"{" * 300, "expected braces at most 200 deep"),
        ("a.json", b"[1]", "a.json item 1: expected a CSL item in { }, found int"),
        ("a.json", b"{}", "expected a list of CSL items, found NoneType"),
        ("a.json", b'[{"title": ["x"]}]', "item 1, title: expected text"),
        ("a.json", b'[{"author": "me"}]', "item 1, author: expected a list of names"),
        ("a.json", b'[{"issued": [2019]}]', "item 1, issued: expected a date"),
        ("a.json", b"[", "expected JSON"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(FileFormatError, match=message) as caught:
        read_exports([write(tmp_path, name, content)])
    assert "\n" not in str(caught.value)


def test_files_of_one_name_and_sources_of_no_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    paths = [write(tmp_path, "a.ris", RIS), write(tmp_path / "b", "a.ris", RIS)]
    with pytest.raises(InputError, match=r"different names, found a\.ris twice"):
        read_exports(paths)
    with pytest.raises(InputError, match=r"one of the files, found 'c\.ris'; use one of: a\.ris"):
        read_exports(paths[:1], sources={"c.ris": Source(name="C")})
    with pytest.raises(InputError, match="at least one export"):
        read_exports([])
    with pytest.raises(FileFormatError, match=r"d\.ris: expected a readable file"):
        read_exports([tmp_path / "d.ris"])


def test_a_named_source_comes_before_what_the_file_says(tmp_path: Path) -> None:
    path = write(tmp_path, "a.ris", RIS)
    named = read_exports([path], sources={"a.ris": Source(kind="register", name="Registry")})
    assert {(one.source_kind, one.database) for one in named.records} == {("register", "Registry")}
    other = read_exports([path], sources={"a.ris": Source(kind="citation_searching")})
    assert {one.database for one in other.records} == {"Citation searching"}


def test_the_order_of_files_makes_no_difference() -> None:
    paths = sorted((EXAMPLE / "exports").iterdir())
    assert len(paths) == 4
    assert read_exports(paths) == read_exports(paths[::-1])
    read = read_exports(paths).records
    assert write_search(read) == write_search(read[::-1])


def test_the_example_holds_only_records_that_say_that_they_are_made_up() -> None:
    for path in (EXAMPLE / "exports").iterdir():
        assert "made up" in path.read_text(encoding="utf-8").casefold().replace("-", " ")
    found = read_search(EXAMPLE / "search.csv")
    assert len(found) == 27
    assert {one.doi.split("/")[0] for one in found} == {"", "10.9999"}


words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=20)
line = words.map(lambda text: " ".join(text.split()))
name = line.map(lambda text: " ".join(text.replace(";", "").split())).filter(bool)


@given(
    titles=st.lists(line, min_size=1, max_size=3),
    authors=st.lists(name, max_size=3),
    abstract=line,
    year=st.none() | st.integers(1500, 2199),
)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    titles: list[str],
    authors: list[str],
    abstract: str,
    year: int | None,
) -> None:
    records = tuple(
        record(number, title=title, authors=tuple(authors), abstract=abstract, year=year)
        for number, title in enumerate(titles, start=1)
    )
    path = tmp_path_factory.mktemp("search") / "search.csv"
    path.write_text(write_search(records), encoding="utf-8", newline="")
    assert read_search(path) == records


# A tag at the start of a value is text, and a value that ends an entry cannot be told from one.
@given(title=name, authors=st.lists(name, max_size=3))
def test_ris_reads_back_what_a_writer_of_ris_wrote(title: str, authors: list[str]) -> None:
    lines = ["TY  - JOUR", *(f"AU  - {one}" for one in authors), f"TI  - {title}", "ER  - "]
    (entry,) = parse_ris("\n".join(lines), where="a.ris")
    assert (entry.title, entry.authors) == (title, tuple(authors))


@given(title=name, authors=st.lists(name, max_size=3))
def test_nbib_reads_back_long_lines_that_were_folded(title: str, authors: list[str]) -> None:
    folded = title.replace(" ", "\n      ")
    lines = ["PMID- 1", f"TI  - {folded}", *(f"FAU - {one}" for one in authors), ""]
    (entry,) = parse_nbib("\n".join(lines), where="a.nbib")
    assert (entry.title, entry.authors) == (title, tuple(authors))


plain_words = (
    st.text("abc ,.:-üß", min_size=1, max_size=12)
    .map(lambda text: " ".join(text.replace("--", "-").split()))
    .filter(lambda text: bool(text) and "--" not in text)
)


@given(pieces=st.lists(plain_words, min_size=1, max_size=4))
def test_bibtex_joins_pieces_in_braces_and_quotes_alike(pieces: list[str]) -> None:
    braced = " # ' ' # ".join(f"{{{one}}}" for one in pieces).replace("'", '"')
    quoted = ' # " " # '.join(f'"{one}"' for one in pieces)
    for value in (braced, quoted):
        (entry,) = parse_bibtex(f"@misc{{x, title = {value}}}", where="a.bib")
        assert entry.title == plain_latex(" ".join(pieces))[0]


@given(
    parse=st.sampled_from([parse_ris, parse_nbib, parse_bibtex, parse_csl]),
    seed=st.sampled_from([RIS, NBIB, BIBTEX, "[{}]"]),
    cuts=st.lists(
        st.tuples(st.integers(0, 900), st.text('{}"\\@#,=[]:- \nTYERPMID0', max_size=4))
    ),
)
def test_a_damaged_export_is_read_or_refused_in_one_line(
    parse: Callable[..., tuple[Entry, ...]], seed: str, cuts: list[tuple[int, str]]
) -> None:
    text = seed
    for place, put in cuts:
        text = text[:place] + put + text[place + 2 :]
    said = "a: a line"
    try:
        parse(text, where="a")
    except FileFormatError as error:
        said = str(error)
    assert said.startswith("a")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"record_id": "x:1"}, "column record_id: expected file and number"),
        ({"doi": "10.9999/MADE"}, "column doi: expected a DOI"),
        ({"pmid": "PMID 1"}, "column pmid: expected a PMID"),
        ({"source_kind": "friend"}, "column source_kind: expected one of database, register"),
        ({"database": ""}, "column database: expected the name of a database"),
        ({"year": "soon"}, "column year: expected a whole number above 0"),
    ],
)
def test_a_cell_of_the_file_that_was_changed_by_hand_is_checked(
    tmp_path: Path, change: dict[str, str], message: str
) -> None:
    path = tmp_path / "search.csv"
    wrong = replace(record(), **change)  # type: ignore[arg-type]  # what a hand may write
    path.write_text(write_search([wrong]), encoding="utf-8")
    with pytest.raises(FileFormatError, match=f"search.csv row 2, {message}"):
        read_search(path)


def test_a_record_that_comes_twice_and_a_file_without_records_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "search.csv"
    path.write_text(write_search([record(), record()]), encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"row 3.*each record once"):
        read_search(path)
    path.write_text(write_search([]), encoding="utf-8")
    with pytest.raises(FileFormatError, match="at least one record, found none; import"):
        read_search(path)

"""Which records are the same report: merged for a stated reason, or listed for a person.

Exact identifiers first, then titles with what surrounds them. Records with different DOIs or
PubMed numbers are never merged unless a person says so, also not by way of a third record. The
result does not depend on the order of files or rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from oncovivo.errors import FileFormatError
from oncovivo.evidence.csvfile import read_rows
from oncovivo.evidence.screening.found import SOURCE_KINDS, FoundRecord, natural_order
from oncovivo.evidence.screening.similarity import (
    Fingerprint,
    compare,
    fingerprint,
    pairs_of_like_titles,
)

__all__ = [
    "DUPLICATE_COLUMNS",
    "MERGE_REASONS",
    "NEAR_REASONS",
    "NEAR_SCORE",
    "NEAR_TITLE",
    "PAGES_TITLE",
    "SAME_ID_TITLE",
    "Deduplication",
    "Merge",
    "NearDuplicate",
    "PairDecision",
    "deduplicate",
    "read_pair_decisions",
]

MergeReason: TypeAlias = Literal["person", "doi_and_pmid", "doi", "pmid", "title_journal", "pages"]
NearReason: TypeAlias = Literal[
    "doi_differs", "pmid_differs", "id_same_title_differs", "by_way_of_another", "alike"
]

MERGE_REASONS: Mapping[MergeReason, str] = MappingProxyType(
    {
        "person": "said to be the same in duplicates.csv",
        "doi_and_pmid": "same DOI and same PubMed number",
        "doi": "same DOI",
        "pmid": "same PubMed number",
        "title_journal": "same title, first author and journal, years at most one apart",
        "pages": "same first author, volume and first page, title much alike, years at most one "
        "apart",
    }
)
"""Why records are merged, the surest first."""

NEAR_REASONS: Mapping[NearReason, str] = MappingProxyType(
    {
        "doi_differs": "much alike, but with different DOIs",
        "pmid_differs": "much alike, but with different PubMed numbers",
        "id_same_title_differs": "same identifier, but titles of different words",
        "by_way_of_another": "would join records of different identifiers",
        "alike": "much alike, but not enough to be merged",
    }
)
"""Why a pair is listed for a person."""

NEAR_TITLE: Final = 0.80
"""Titles at least this similar make a pair worth a look."""
NEAR_SCORE: Final = 0.80
"""Score from which a pair with such titles is listed."""
PAGES_TITLE: Final = 0.90
"""Similarity of titles from which author, year, volume and first page settle it."""
SAME_ID_TITLE: Final = 0.50
"""Records that share an identifier are merged unless both titles are known and less alike."""
_FEWEST_WORDS: Final = 4
"""Titles of fewer words, as 'Reply', are never merged by their title."""

DUPLICATE_COLUMNS: tuple[str, ...] = ("record_id", "other_id", "decision", "by", "note")
"""The columns of ``duplicates.csv``; ``decision`` is ``same`` or ``different``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A record that was taken for a duplicate: of which kept record, by which other, and why."""

    record_id: str
    kept: str
    by_way_of: str
    reason: MergeReason
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDuplicate:
    """A pair for a person to decide; ids in natural order."""

    record_id: str
    other_id: str
    reason: NearReason
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairDecision:
    """What a person said of a pair."""

    record_id: str
    other_id: str
    decision: Literal["same", "different"]
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deduplication:
    """Groups of records that are one report.

    Parameters
    ----------
    kept : mapping of str to str
        From every record to the one that stands for its group.
    groups : mapping of str to tuple of str
        From every kept record to its group, itself first, then in natural order.
    merges : tuple of Merge
        One for every record that is not kept.
    near : tuple of NearDuplicate
        Pairs that nobody has decided; the most alike first.
    """

    kept: Mapping[str, str]
    groups: Mapping[str, tuple[str, ...]]
    merges: tuple[Merge, ...]
    near: tuple[NearDuplicate, ...]


def read_pair_decisions(path: Path, *, record_ids: Iterable[str]) -> tuple[PairDecision, ...]:
    """The decisions of a ``duplicates.csv``.

    Parameters
    ----------
    path : Path
        The file.
    record_ids : iterable of str
        The records that exist.

    Raises
    ------
    FileFormatError
        If the file is malformed, a record does not exist, a pair is decided twice, or nobody is
        named.
    """
    known = frozenset(record_ids)
    found: dict[tuple[str, ...], PairDecision] = {}
    for line, cells in read_rows(path, columns=DUPLICATE_COLUMNS):

        def refuse(
            column: str, expected: str, *, row: int = line, of: Mapping[str, str] = cells
        ) -> FileFormatError:
            return FileFormatError(
                expected,
                found=repr(of[column]) if of[column] else "an empty cell",
                where=f"{path.name} row {row}, column {column}",
                mend="correct the cell",
            )

        for column in ("record_id", "other_id"):
            if cells[column] not in known:
                raise refuse(column, "a record of search.csv")
        if cells["record_id"] == cells["other_id"]:
            raise refuse("other_id", "another record than record_id")
        if cells["decision"] not in ("same", "different"):
            raise refuse("decision", "same or different")
        if not cells["by"]:
            raise refuse("by", "who decided")
        pair = _pair(cells["record_id"], cells["other_id"])
        if pair in found:
            raise FileFormatError(
                "each pair once",
                found=f"{pair[0]} and {pair[1]} twice",
                where=f"{path.name} row {line}",
                mend="remove one of the rows",
            )
        found[pair] = PairDecision(
            record_id=pair[0],
            other_id=pair[1],
            decision="same" if cells["decision"] == "same" else "different",
            by=cells["by"],
            note=cells["note"],
        )
    return tuple(found.values())


def _pair(one: str, other: str) -> tuple[str, str]:
    first, second = sorted((one, other), key=natural_order)
    return first, second


@dataclass(frozen=True, slots=True)
class _Edge:
    """Two records that may be one, by their places."""

    one: int
    other: int
    reason: MergeReason
    score: float


def deduplicate(
    records: Sequence[FoundRecord], *, decisions: Sequence[PairDecision] = ()
) -> Deduplication:
    """Groups of records that are one report, and pairs for a person.

    Records are joined in steps, the surest reason first. A step that would bring two DOIs, two
    PubMed numbers or a pair that a person calls different into one group joins nothing there and
    lists its pairs instead. Of a group that record is kept which comes from a database or
    register, then has most fields filled, then comes first by file name and number.

    Parameters
    ----------
    records : sequence of FoundRecord
        All records, each id once; their order does not matter.
    decisions : sequence of PairDecision, optional
        What a person said of pairs.

    Raises
    ------
    FileFormatError
        If decisions contradict each other.
    """
    ordered = sorted(records, key=lambda record: natural_order(record.record_id))
    prints = [fingerprint(record) for record in ordered]
    place = {record.record_id: number for number, record in enumerate(ordered)}
    apart = {
        (place[one.record_id], place[one.other_id])
        for one in decisions
        if one.decision == "different"
    }
    joining = _Joining(prints, apart)
    joining.join_said(
        _edge(prints, place[one.record_id], place[one.other_id], "person")
        for one in decisions
        if one.decision == "same"
    )
    for reason in ("doi_and_pmid", "doi", "pmid"):
        joining.join(list(_same_identifier(prints, reason, joining)))
    joining.join(list(_alike(prints, joining)))
    return joining.result()


def _edge(prints: Sequence[Fingerprint], one: int, other: int, reason: MergeReason) -> _Edge:
    first, second = sorted((one, other))
    score = 1.0 if reason == "person" else compare(prints[one], prints[other]).score
    if reason in ("doi_and_pmid", "doi", "pmid"):
        score = 1.0
    return _Edge(first, second, reason, score)


def _same_identifier(
    prints: Sequence[Fingerprint],
    reason: Literal["doi_and_pmid", "doi", "pmid"],
    joining: _Joining,
) -> Iterator[_Edge]:
    """Pairs that share an identifier; those whose titles differ are listed instead."""
    by_id: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, found in enumerate(prints):
        doi, pmid = found.record.doi, found.record.pmid
        key = {"doi_and_pmid": (doi, pmid), "doi": (doi,), "pmid": (pmid,)}[reason]
        if all(key):
            by_id[key].append(place)
    for places in by_id.values():
        for one, other in combinations(places, 2):
            if joining.joined(one, other):
                continue
            titles = prints[one].trigrams and prints[other].trigrams
            if titles and compare(prints[one], prints[other]).title < SAME_ID_TITLE:
                joining.list_pair(one, other, "id_same_title_differs")
            else:
                yield _edge(prints, one, other, reason)


def _alike(prints: Sequence[Fingerprint], joining: _Joining) -> Iterator[_Edge]:
    """Pairs to be merged by their titles and what surrounds them; others are listed."""
    for one, other in pairs_of_like_titles(prints, at_least=NEAR_TITLE):
        if joining.joined(one, other):
            continue
        reason = _why_same(prints[one], prints[other])
        difference = joining.difference(one, other)
        if reason and not difference:
            yield _edge(prints, one, other, reason)
        elif compare(prints[one], prints[other]).score >= NEAR_SCORE:
            joining.list_pair(one, other, difference or "alike")


def _why_same(one: Fingerprint, other: Fingerprint) -> MergeReason | None:
    """Why two records are merged without an identifier; None where they are not."""
    found = compare(one, other)
    known = found.author == 1 and found.year is not None and found.year > 0
    if not known or one.numerals != other.numerals or found.pages == 0:
        return None
    volumes_agree = bool(one.volume) and one.volume == other.volume
    if found.pages == 1 and volumes_agree and found.title >= PAGES_TITLE:
        return "pages"
    long = len(one.title.split()) >= _FEWEST_WORDS
    return "title_journal" if long and one.title == other.title and found.journal == 1 else None


@dataclass(slots=True)
class _Joining:
    """Groups as they grow, and the pairs that were not joined."""

    prints: Sequence[Fingerprint]
    apart: set[tuple[int, int]]
    parent: dict[int, int] = field(default_factory=dict)
    edges: list[_Edge] = field(default_factory=list)
    listed: dict[tuple[int, int], NearReason] = field(default_factory=dict)

    def root(self, place: int) -> int:
        """The first record of a group."""
        while (above := self.parent.get(place, place)) != place:
            place = above
        return place

    def joined(self, one: int, other: int) -> bool:
        """Whether two records are in one group."""
        return self.root(one) == self.root(other)

    def members(self) -> dict[int, list[int]]:
        """Every group by its first record."""
        groups: dict[int, list[int]] = defaultdict(list)
        for place in range(len(self.prints)):
            groups[self.root(place)].append(place)
        return groups

    def difference(self, one: int, other: int) -> Literal["doi_differs", "pmid_differs"] | None:
        """Which identifier two records both have and do not share."""
        first, second = self.prints[one].record, self.prints[other].record
        if first.doi and second.doi and first.doi != second.doi:
            return "doi_differs"
        if first.pmid and second.pmid and first.pmid != second.pmid:
            return "pmid_differs"
        return None

    def list_pair(self, one: int, other: int, reason: NearReason) -> None:
        """Keep a pair for a person."""
        self.listed.setdefault((min(one, other), max(one, other)), reason)

    def join_said(self, edges: Iterable[_Edge]) -> None:
        """Join what a person called the same."""
        for edge in edges:
            self._unite(edge)
        for one, other in sorted(self.apart):
            if self.joined(one, other):
                ids = [self.prints[place].record.record_id for place in sorted((one, other))]
                raise FileFormatError(
                    "decisions that do not contradict each other",
                    found=f"{ids[0]} and {ids[1]} are called different, and the same by way of "
                    "others",
                    where="duplicates.csv",
                    mend="correct one of the rows",
                )

    def join(self, edges: Sequence[_Edge]) -> None:
        """Join pairs of one step, but list those whose joining would mix different reports."""
        groups = self.members()
        neighbors: dict[int, list[_Edge]] = defaultdict(list)
        for edge in edges:
            neighbors[self.root(edge.one)].append(edge)
            neighbors[self.root(edge.other)].append(edge)
        done: set[int] = set()
        ready: list[_Edge] = []
        for start in sorted(neighbors):
            if start in done:
                continue
            found, waiting, between = {start}, [start], set()
            while waiting:
                for edge in neighbors[waiting.pop()]:
                    between.add(edge)
                    for end in (self.root(edge.one), self.root(edge.other)):
                        if end not in found:
                            found.add(end)
                            waiting.append(end)
            done |= found
            if self._mixes([groups[root] for root in sorted(found)]):
                for edge in between:
                    reason = self.difference(edge.one, edge.other) or "by_way_of_another"
                    self.list_pair(edge.one, edge.other, reason)
            else:
                ready += between
        for edge in sorted(ready, key=lambda edge: (-edge.score, edge.one, edge.other)):
            self._unite(edge)

    def _mixes(self, groups: Sequence[Sequence[int]]) -> bool:
        """Whether joining groups brings more identifiers together than one of them has."""
        for name in ("doi", "pmid"):
            found = [
                {value for place in group if (value := getattr(self.prints[place].record, name))}
                for group in groups
            ]
            if len(set().union(*found)) > max(1, max(map(len, found))):
                return True
        inside = {place for group in groups for place in group}
        return any(one in inside and other in inside for one, other in self.apart)

    def _unite(self, edge: _Edge) -> None:
        one, other = sorted((self.root(edge.one), self.root(edge.other)))
        self.parent[other] = one
        self.edges.append(edge)

    def result(self) -> Deduplication:
        """The groups, each with the record that is kept, and how the others came to it."""
        groups = [sorted(group, key=self._rank) for group in self.members().values()]
        groups.sort(key=lambda group: group[0])
        ids = [one.record.record_id for one in self.prints]
        links: dict[int, list[_Edge]] = defaultdict(list)
        for edge in self.edges:
            links[edge.one].append(edge)
            links[edge.other].append(edge)
        merges = [merge for group in groups for merge in self._ways(group[0], links)]
        return Deduplication(
            kept=MappingProxyType(
                {ids[place]: ids[group[0]] for group in groups for place in group}
            ),
            groups=MappingProxyType(
                {
                    ids[group[0]]: (ids[group[0]], *(ids[place] for place in sorted(group[1:])))
                    for group in groups
                }
            ),
            merges=tuple(sorted(merges, key=lambda merge: natural_order(merge.record_id))),
            near=self._near(),
        )

    def _rank(self, place: int) -> tuple[int, int, int]:
        """What is kept comes first."""
        record = self.prints[place].record
        filled = (
            record.doi,
            record.pmid,
            record.abstract,
            record.journal,
            record.volume,
            record.pages,
            record.year,
            record.authors,
        )
        kind = min(list(SOURCE_KINDS).index(record.source_kind), 2)
        return kind // 2, -sum(map(bool, filled)), place

    def _ways(self, kept: int, links: Mapping[int, Sequence[_Edge]]) -> Iterator[Merge]:
        """From the kept record outward, every other with the record that it was joined to."""
        ids = [one.record.record_id for one in self.prints]
        waiting, seen = [kept], {kept}
        for near in waiting:
            for edge in links.get(near, ()):
                far = edge.other if edge.one == near else edge.one
                if far not in seen:
                    seen.add(far)
                    waiting.append(far)
                    yield Merge(
                        record_id=ids[far],
                        kept=ids[kept],
                        by_way_of=ids[near],
                        reason=edge.reason,
                        score=edge.score,
                    )

    def _near(self) -> tuple[NearDuplicate, ...]:
        """One undecided pair for any two groups, the most alike."""
        apart_groups = {frozenset((self.root(a), self.root(b))) for a, b in self.apart}
        best: dict[frozenset[int], NearDuplicate] = {}
        for (one, other), reason in sorted(self.listed.items()):
            groups = frozenset((self.root(one), self.root(other)))
            if len(groups) == 1 or groups in apart_groups:
                continue
            found = NearDuplicate(
                record_id=self.prints[one].record.record_id,
                other_id=self.prints[other].record.record_id,
                reason=reason,
                score=compare(self.prints[one], self.prints[other]).score,
            )
            if groups not in best or found.score > best[groups].score:
                best[groups] = found
        return tuple(
            sorted(
                best.values(),
                key=lambda near: (-near.score, natural_order(near.record_id), near.other_id),
            )
        )

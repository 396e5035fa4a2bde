"""Building a guide: a project in; a page, a PDF, a bundle and a JSON summary out."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from oncovivo.analyses import (
    Bundle,
    read_bundle,
    read_project,
    run,
    write_bundle,
)
from oncovivo.analyses.cache import CACHE_FOLDER, ResultCache
from oncovivo.documents import Document, render_html, render_pdf
from oncovivo.errors import FileFormatError
from oncovivo.guide.assemble import assemble_guide
from oncovivo.guide.enforce import enforce_claims
from oncovivo.guide.pictures import pictures_kept
from oncovivo.guide.quality_blocks import certainty_of

__all__ = ["BuiltGuide", "build_guide", "guide_summary", "render_guide"]

SCHEMA = "oncovivo.guide/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltGuide:
    """What a build made: its folder, its bundle and the seconds that each stage took."""

    folder: Path
    bundle: Bundle
    seconds: dict[str, float]


def build_guide(
    project: Path,
    out: Path,
    *,
    built: date,
    progress: Callable[[str], None] = lambda _: None,
    cached: bool = False,
) -> BuiltGuide:
    """Build a guide project into `out`.

    The folder gets ``index.html``, ``guide.pdf``, ``guide.json`` and ``bundle/``. It is written
    beside its place and moved there when it is complete, so a failed build leaves what was there
    before.

    Parameters
    ----------
    project : Path
        Folder with ``guide.toml``.
    out : Path
        Folder to make; an earlier guide there is replaced, anything else is refused.
    built : date
        The date that the guide prints.
    progress : callable, optional
        Called with the name of each stage before it starts.
    cached : bool
        Whether results and pictures are kept in the project's folder ``.oncovivo-cache`` and
        taken from there when nothing that they follow from has changed. The guide is the same,
        byte for byte.

    Raises
    ------
    FallenClaimsError
        If a claim does not get the verdict that it expects, or a slot cannot be filled.
    ProjectError
        If an input is missing or malformed, or `out` holds something else than a guide.
    """
    out = out.resolve()  # '.' and links would else be gone when the guide is moved there
    _check_out(out)
    clock = _Clock(progress)
    clock.start("reading")
    read = read_project(project)
    cache = ResultCache(project / CACHE_FOLDER if cached else None)
    bundle = run(read, built=built, progress=clock.start, cache=cache)
    enforce_claims(bundle.claims)
    with _replaced(out) as folder:
        clock.start("bundle")
        (folder / "bundle").mkdir()
        write_bundle(bundle, folder / "bundle")
        stored = read_bundle(folder / "bundle")
        with pictures_kept(cache):
            render_guide(stored, folder, progress=clock.start)
    cache.prune()
    clock.start("")
    return BuiltGuide(folder=out, bundle=stored, seconds=clock.seconds)


def render_guide(
    bundle: Bundle, folder: Path, *, progress: Callable[[str], None] = lambda _: None
) -> Document:
    """Write ``index.html``, ``guide.pdf`` and ``guide.json`` of a bundle into a folder."""
    progress("document")
    document = assemble_guide(bundle)
    day = date.fromisoformat(bundle.provenance.date)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    # typst compiles outside Python, so the page can be made meanwhile
    with ThreadPoolExecutor(max_workers=1) as beside:
        pdf = beside.submit(render_pdf, document, timestamp=int(midnight.timestamp()))
        progress("HTML")
        (folder / "index.html").write_bytes(render_html(document).encode())
        progress("PDF")
        (folder / "guide.pdf").write_bytes(pdf.result())
    summary = json.dumps(guide_summary(bundle), ensure_ascii=False, indent=1, allow_nan=False)
    (folder / "guide.json").write_bytes((summary + "\n").encode())
    return document


def guide_summary(bundle: Bundle) -> dict[str, object]:
    """The guide's verdicts and counts, as ``guide.json`` holds them."""
    return {
        "schema": SCHEMA,
        "input": {"name": bundle.settings.title, "sha256": bundle.provenance.digest},
        "date": bundle.provenance.date,
        "seed": bundle.provenance.seed,
        "compound": bundle.settings.compound,
        "rows": len(bundle.records),
        "claims": [
            {
                "id": result.claim.id,
                "section": result.claim.section,
                "text": result.text,
                "from": result.claim.source,
                "simulated": result.simulated,
                "assumed_count": result.assumed_count,
                "scaled_count": result.scaled_count,
                "verdict": result.verdict,
                "expect": result.claim.expect,
                "rows": list(result.rows),
                "supporting": list(result.supporting),
                "contradicting": list(result.contradicting),
                "decisive": [{"row": row, "verdict": then} for row, then in result.decisive],
                "not_decisive": result.not_decisive or None,
            }
            for result in bundle.claims
        ],
        "certainty": [
            {
                "id": row.question.question_id,
                "oncotree": found.tumor,
                "level": row.level,
                "status": "undefined" if row.level is None else "ok",
                "reason": row.not_pooled or "; ".join(row.reasons) or None,
            }
            for found in certainty_of(bundle)
            for row in found.rows
        ],
        "findings": len([finding for finding in bundle.findings if not finding.waived]),
        "waived": len([finding for finding in bundle.findings if finding.waived]),
        "studies": [
            {"id": study.id, "title": study.title, "simulated": study.simulated}
            for study in bundle.studies
        ],
        "simulations": [
            {
                "name": placed.result.name,
                "title": placed.result.title,
                "simulated": True,
                "seed": placed.result.seed,
                "draws": placed.result.draws,
                "assumed_count": placed.result.count("assumed"),
                "scaled_count": placed.result.count("scaled"),
            }
            for placed in bundle.simulations
        ],
        "warnings": [],
    }


class _Clock:
    """Seconds per stage; starting a stage ends the one before."""

    def __init__(self, progress: Callable[[str], None]) -> None:
        self._progress = progress
        self._stage = ""
        self._since = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def start(self, stage: str) -> None:
        now = time.perf_counter()
        if self._stage:
            self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now
        if stage:
            self._progress(stage)


def _check_out(out: Path) -> None:
    """Refuse to replace what is not a guide."""
    if not out.exists():
        return
    if not out.is_dir() or (any(out.iterdir()) and not (out / "bundle" / "guide.json").is_file()):
        raise FileFormatError(
            "a new or empty folder, or an earlier guide, as output",
            found="something else",
            where=str(out),
            mend="choose another folder with -o",
        )


@contextmanager
def _replaced(out: Path) -> Iterator[Path]:
    """A temporary folder that takes the place of `out` when the block ends without an error."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as err:
        raise FileFormatError(
            "a place where files can be written",
            found=(err.strerror or "no reason given").lower(),
            where=str(out),
            mend="choose another folder with -o",
        ) from err
    try:
        yield temporary
        if out.exists():
            shutil.rmtree(out)
        temporary.chmod(0o755)
        temporary.replace(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)

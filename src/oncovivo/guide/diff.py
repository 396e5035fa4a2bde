"""What changed between two built guides: found in their bundles, written as a page."""

from __future__ import annotations

from pathlib import Path

from oncovivo.analyses import Bundle, read_bundle
from oncovivo.analyses.guide_diff import TOLERANCE, GuideDiff, compare_bundles
from oncovivo.documents import render_html
from oncovivo.errors import FileFormatError, InputError
from oncovivo.guide.diff_blocks import diff_document

__all__ = ["check_diff_name", "diff_guides", "read_guide", "write_diff"]


def read_guide(folder: Path) -> Bundle:
    """The bundle of a built guide, or of a bundle's own folder.

    Parameters
    ----------
    folder : Path
        A folder that ``oncovivo guide build`` wrote, or the ``bundle`` in it.

    Raises
    ------
    FileFormatError
        If there is none, or its bundle cannot be read.
    """
    for place in (folder / "bundle", folder):
        if (place / "guide.json").is_file() and (place / "records.csv").is_file():
            return read_bundle(place)
    if (folder / "guide.toml").is_file():
        found, mend = "a guide project", "build it first, and name what was built"
    elif folder.is_dir():
        found, mend = "no bundle in the folder", "name the folder that guide build -o wrote"
    else:
        found = "a file" if folder.exists() else "no such folder"
        mend = "name the folder that guide build -o wrote"
    raise FileFormatError(
        "the folder of a built guide, or of a bundle", found=found, where=str(folder), mend=mend
    )


def diff_guides(old: Path, new: Path, *, tolerance: float = TOLERANCE) -> GuideDiff:
    """What changed from one built guide to another.

    Parameters
    ----------
    old, new : Path
        Folders of built guides or of bundles.
    tolerance : float, optional
        Relative difference up to which two numbers are the same.

    Raises
    ------
    FileFormatError
        If a folder holds no guide, or a bundle of a version that cannot be read.
    InputError
        If the tolerance is not from 0 to below 1.
    """
    return compare_bundles(read_guide(old), read_guide(new), tolerance=tolerance)


def check_diff_name(path: Path) -> None:
    """Refuse a name that no page is written to, before anything is compared.

    Raises
    ------
    InputError
        If the name does not end in ``.html``.
    """
    if path.suffix.lower() != ".html":
        raise InputError(
            "a file ending in .html", found=path.name, where="--out", mend="rename it"
        )


def write_diff(diff: GuideDiff, path: Path) -> None:
    """Write what changed as a page that loads nothing.

    Raises
    ------
    InputError
        If the name does not end in ``.html``.
    FileFormatError
        If the file cannot be written.
    MissingExtraError
        If Jinja2 is not installed.
    """
    check_diff_name(path)
    page = render_html(diff_document(diff)).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(page)
    except OSError as err:
        raise FileFormatError(
            "a place where files can be written",
            found=(err.strerror or "no reason given").lower(),
            where=str(path),
            mend="choose another file with -o",
        ) from err

"""Pictures from different programs can stand in one page."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import pytest

from oncovivo.documents.svg import Size, embed_svg, read_size, words_of
from oncovivo.errors import InputError


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="72pt" height="36pt"', Size(width=72.0, height=36.0)),
        ('width="96px" height="96" viewBox="0 0 1 1"', Size(width=72.0, height=72.0)),
        ('width="25.4mm" height="2.54cm"', Size(width=72.0, height=72.0)),
        ('width="100%" viewBox="0,0,400,200"', Size(width=300.0, height=150.0)),
    ],
)
def test_the_size_is_read_in_points(attributes: str, size: Size) -> None:
    read = read_size(f"<svg {attributes}/>", where="f")
    assert (read.width, read.height) == pytest.approx((size.width, size.height))


@pytest.mark.parametrize("attributes", ["", 'viewBox="0 0 1"', 'viewBox="0 0 0 1"', 'width="1em"'])
def test_a_picture_without_a_size_is_refused(attributes: str) -> None:
    with pytest.raises(InputError, match=r"figure f: expected a .*viewBox"):
        read_size(f"<svg {attributes}/>", where="figure f")


def test_a_picture_of_matplotlib_is_confined_and_stays_well_formed() -> None:
    import matplotlib.figure

    figure = matplotlib.figure.Figure()
    axes = figure.subplots()
    axes.plot([1, 2], [1, 2], marker="o")
    axes.set_title("A & B < C")
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg")
    page = embed_svg(buffer.getvalue(), prefix="f1-", label='"A" & <B>', described_by="d")
    root = ElementTree.fromstring(page)
    assert root.get("role") == "img"
    assert root.get("aria-label") == '"A" & <B>'
    assert root.get("aria-describedby") == "d"
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids)) > 10
    assert all(name is not None and name.startswith("f1-") for name in ids)
    assert "*:where(#f1-root, #f1-root *) {stroke-linejoin" in page.replace("\n", "")
    for forbidden in ("<?xml", "<!DOCTYPE", "<metadata", "purl.org"):
        assert forbidden not in page


def test_a_role_and_name_of_the_picture_give_way_to_those_of_the_page() -> None:
    svg = (
        '<svg id="own" role="presentation" aria-label="old" viewBox="0 0 1 1"><g class="k"/></svg>'
    )
    page = embed_svg(svg, prefix="p-", label="new", described_by="d")
    assert page == (
        '<svg viewBox="0 0 1 1" id="p-own" role="img" aria-label="new" aria-describedby="d">'
        '<g class="k"/></svg>'
    )


def test_rules_in_cdata_and_under_conditions_are_confined() -> None:
    svg = (
        '<svg viewBox="0 0 1 1"><style><![CDATA[@media print { #a, .b > c { fill: red } }]]>'
        '</style><path id="a"/><path id="ab"/></svg>'
    )
    page = embed_svg(svg, prefix="p-", label="x", described_by="d")
    inside = ":where(#p-root, #p-root *)"
    assert f"@media print {{#p-a{inside}, .b > c{inside} {{ fill: red }} }}" in page


def test_names_inside_a_picture_follow_their_ids() -> None:
    svg = (
        '<svg viewBox="0 0 1 1"><g aria-labelledby="t u"><title id="t">T</title></g>'
        "<use href='#t'/><a href=\"https://a.b/#t\"/>"
        '<path fill=\'url("#t")\' clip-path="url(#no)"/></svg>'
    )
    page = embed_svg(svg, prefix="p-", label="x", described_by="d")
    assert 'aria-labelledby="p-t p-u"' in page
    assert "href='#p-t'" in page
    assert 'href="https://a.b/#t"' in page
    assert 'url("#p-t")' in page
    assert "url(#no)" in page


def test_words_of_a_picture_are_those_that_it_shows() -> None:
    svg = "<svg viewBox='0 0 1 1'><title>no</title><text>one <tspan>two</tspan></text></svg>"
    assert words_of(svg, where="f").split() == ["one", "two"]

"""Each rule fires on a minimal defect and on nothing else; on its clean twin no rule fires."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import pytest

from oncovivo.evidence.lint import (
    RULES,
    AnnouncedFigure,
    Disagreement,
    LintInput,
    TextBlock,
    Waiver,
    lint,
)

Spec = Mapping[str, object]
AGAINST = {"direction": ["none", "harm", "mixed"]}
BENEFIT = {"direction": ["benefit"]}


@dataclass(frozen=True, kw_only=True)
class Twin:
    """A defect and its mended twin; both are overrides of the clean case."""

    rule: str
    what: str
    dirty: Spec
    clean: Spec
    names: tuple[str, ...] = field(default=())
    """What the findings must name, rows, claims and other subjects together."""


def _text(body: str, *, section: str = "summary", cites: tuple[str, ...] = ()) -> Spec:
    return {"texts": [TextBlock(id="T1", section=section, body=body, cites=cites)]}


def _row(**cells: object) -> Spec:
    return {"records": [cells]}


def _claim(**keys: object) -> Spec:
    """The clean claim and one more of id K2."""
    return {"claims": [{}, {"id": "K2", "slots": {}, **keys}]}


def _on_study(
    *,
    analysis: Sequence[str] = ("synergy",),
    null_model: Sequence[str] | None = ("bliss",),
    verdict: Sequence[str] = ("synergy",),
) -> dict[str, object]:
    """Keys of a claim that asks results of a study for a verdict."""
    nulls = {} if null_model is None else {"null_model": list(null_model)}
    return {
        "from": "study:s1",
        "where": {"analysis": list(analysis), **nulls},
        "supports": {"verdict": list(verdict)},
    }


def _reference(**fields: object) -> Spec:
    return {"references": [fields]}


def _figure(*, present: bool) -> Spec:
    return {"figures": [AnnouncedFigure(id="F1", section="mechanism", title="F", present=present)]}


def _waiver(reason: str, subject: str) -> Spec:
    waiver = Waiver(
        rule="LINT-08", subject=subject, reason=reason, date=date(2026, 1, 2), by="A. Reader"
    )
    return {"records": [{"filed_under": "BRCA"}], "waivers": [waiver]}


TWO_REFERENCES = [{}, {"key": "r2", "doi": "10.1000/r2", "title": "Another work on other tumors"}]

TWINS = [
    Twin(
        rule="LINT-01",
        what="reference without identifier",
        dirty=_reference(doi=""),
        clean=_reference(doi="", registry="NCT00000001"),
        names=("r1", "R1"),
    ),
    Twin(
        rule="LINT-01",
        what="text that cites a host, against a context row that does",
        dirty={
            "references": [
                {},
                {"key": "h", "doi": "", "title": "a.example", "source_kind": "host_only"},
            ],
            "texts": [TextBlock(id="T1", section="summary", body="See there.", cites=("h",))],
        },
        clean={
            "references": [
                {},
                {"key": "h", "doi": "", "title": "a.example", "source_kind": "host_only"},
            ],
            "records": [{}, {"row_id": "R2", "use": "context", "source": "h"}],
        },
        names=("h", "T1"),
    ),
    Twin(
        rule="LINT-02",
        what="vendor page",
        dirty=_reference(source_kind="vendor"),
        clean=_reference(source_kind="study"),
        names=("r1", "R1"),
    ),
    Twin(
        rule="LINT-03",
        what="trial behind an animal row",
        dirty=_reference(source_kind="clinical_trial"),
        clean=_reference(source_kind="primary_mixed"),
        names=("R1", "r1"),
    ),
    Twin(
        rule="LINT-03",
        what="review behind a claim about mice",
        dirty={
            **_claim(
                text="In mice it slows growth.", **{"from": None}, cites=["r2"], expect="uncited"
            ),
            "references": [
                {},
                {
                    "key": "r2",
                    "doi": "10.1000/r2",
                    "title": "A review of trials",
                    "source_kind": "clinical_review",
                },
            ],
        },
        clean={
            **_claim(
                text="In mice it slows growth.",
                **{"from": None},
                cites=["r1", "r2"],
                expect="uncited",
            ),
            "references": [
                {},
                {
                    "key": "r2",
                    "doi": "10.1000/r2",
                    "title": "A review of trials",
                    "source_kind": "clinical_review",
                },
            ],
        },
        names=("K2", "r2"),
    ),
    Twin(
        rule="LINT-04",
        what="cohort behind a survival of mice",
        dirty={
            "records": [{"endpoint": "survival", "unit": "day", "value": 40.0}],
            **_reference(source_kind="clinical_cohort"),
        },
        clean={
            "records": [
                {
                    "endpoint": "survival",
                    "unit": "day",
                    "value": 40.0,
                    "evidence_kind": "patient",
                    "n_unit": "patients",
                }
            ],
            **_reference(source_kind="clinical_cohort"),
        },
        names=("R1", "r1"),
    ),
    Twin(
        rule="LINT-05",
        what="superlative on a tumor type without animal rows",
        dirty=_claim(text="The strongest effect is in mantle cell lymphoma."),
        clean=_claim(text="The strongest effect is in renal cell carcinoma."),
        names=("K2",),
    ),
    Twin(
        rule="LINT-05",
        what="superlative that the guide prints as unsupported",
        dirty=_claim(text="The strongest effect is in melanoma.", expect="partly_supported"),
        clean=_claim(text="The strongest effect is in melanoma.", expect="unsupported"),
        names=("K2",),
    ),
    Twin(
        rule="LINT-06",
        what="animal row that counts patients",
        dirty=_row(n_unit="patients"),
        clean=_row(n_unit="tumors"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-06",
        what="patient row without n",
        dirty={
            "records": [
                {"evidence_kind": "patient", "n_unit": "patients", "n_treated": "not_reported"}
            ],
            **_reference(source_kind="case_report"),
        },
        clean={
            "records": [
                {"evidence_kind": "patient", "n_unit": "patients", "n_treated": "not_accessible"}
            ],
            **_reference(source_kind="case_report"),
        },
        names=("R1",),
    ),
    Twin(
        rule="LINT-06",
        what="claim on mice that counts cells",
        dirty={
            "records": [{}, {"row_id": "R2", "evidence_kind": "in_vitro"}],
            **_claim(text="It slows growth in mice."),
        },
        clean={
            "records": [{}, {"row_id": "R2", "evidence_kind": "in_vitro"}],
            **_claim(text="It slows growth in mice and of cells."),
        },
        names=("K2", "R2"),
    ),
    Twin(
        rule="LINT-06",
        what="claim on one subject",
        dirty=_row(n_treated=1),
        clean={**_row(n_treated=1), "claims": [{"text": "A single animal reached {low} mm3."}]},
        names=("K1", "R1"),
    ),
    Twin(
        rule="LINT-07",
        what="mouse line called a xenograft",
        dirty=_row(xenograft_line="RENCA-CA9", line_rrid="not_reported"),
        clean=_row(
            xenograft_line="RENCA-CA9",
            line_rrid="not_reported",
            graft_type="syngeneic",
            host_strain="BALB/c",
            immune_status="immunocompetent",
        ),
        names=("R1",),
    ),
    Twin(
        rule="LINT-07",
        what="human line in an immunocompetent host",
        dirty=_row(host_strain="C57BL/6", immune_status="not_reported"),
        clean=_row(host_strain="C57BL/6 Rag2", immune_status="not_reported"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-07",
        what="strain against immune status",
        dirty=_row(graft_type="not_reported", immune_status="immunocompetent"),
        clean=_row(graft_type="not_reported"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-07",
        what="syngeneic row whose statement says xenograft",
        dirty=_row(
            xenograft_line="4T1",
            graft_type="syngeneic",
            host_strain="BALB/c",
            immune_status="immunocompetent",
            statement="The xenograft reached 400 mm3.",
        ),
        clean=_row(
            xenograft_line="4T1",
            graft_type="syngeneic",
            host_strain="BALB/c",
            immune_status="immunocompetent",
            statement="The tumor reached 400 mm3.",
        ),
        names=("R1",),
    ),
    Twin(
        rule="LINT-08",
        what="renal row among breast rows",
        dirty=_row(filed_under="BRCA"),
        clean=_row(filed_under="CCRCC"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-09",
        what="value without a unit",
        dirty=_row(unit="not_reported"),
        clean=_row(unit="mm3"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-09",
        what="percent of nothing",
        dirty=_row(unit="percent", value=44.0, dispersion=15.0, denominator="not_reported"),
        clean=_row(unit="percent", value=44.0, dispersion=15.0, denominator="vehicle mean"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-09",
        what="inhibition above 100 percent",
        dirty=_row(
            endpoint="tumor_growth_inhibition",
            unit="percent",
            value=160.0,
            dispersion=40.0,
            denominator="vehicle mean",
        ),
        clean=_row(
            endpoint="tumor_growth_inhibition",
            unit="percent",
            value=160.0,
            dispersion=40.0,
            denominator="change of the vehicle mean from baseline",
        ),
        names=("R1",),
    ),
    Twin(
        rule="LINT-09",
        what="more responders than lines",
        dirty=_row(
            endpoint="response_rate", unit="count", value=18.0, denominator="17 xenografts"
        ),
        clean=_row(endpoint="response_rate", unit="count", value=4.0, denominator="17 xenografts"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-10",
        what="two lines in a row",
        dirty=_row(xenograft_line="786-O and Caki-1"),
        clean=_row(xenograft_line="786-O"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-10",
        what="panel that does not count lines",
        dirty=_row(xenograft_line="panel of 17 tumors"),
        clean=_row(xenograft_line="panel of 17 tumors", n_unit="lines", n_treated=17),
        names=("R1",),
    ),
    Twin(
        rule="LINT-10",
        what="known lines joined by a stroke",
        dirty=_row(xenograft_line="786-O/Caki-1"),
        clean=_row(xenograft_line="MCF-7/ADR"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-10",
        what="two partners merged",
        dirty=_row(partner="vorinostat; sepantronium"),
        clean=_row(partner="vorinostat + sepantronium"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-10",
        what="two tumor types in a row of context",
        dirty={**_row(use="context", tumor_type="renal and breast carcinoma"), "claims": []},
        clean={**_row(use="context", tumor_type="head and neck carcinoma"), "claims": []},
        names=("R1",),
    ),
    Twin(
        rule="LINT-10",
        what="one result in two rows",
        dirty={"records": [{}, {"row_id": "R2"}]},
        clean={"records": [{}, {"row_id": "R2", "day": 28.0}]},
        names=("R1", "R2", "r1"),
    ),
    Twin(
        rule="LINT-11",
        what="two keys with one DOI",
        dirty={
            "records": [{"source": "r1;r2"}],
            "references": [{}, {"key": "r2", "title": "Record of a database"}],
        },
        clean={
            "records": [{"source": "r1"}],
            "references": [{}, {"key": "r2", "title": "Record of a database"}],
        },
        names=("R1", "r1", "r2"),
    ),
    Twin(
        rule="LINT-11",
        what="near titles",
        dirty={
            "records": [{}, {"row_id": "R2", "source": "r2", "day": 28.0}],
            "references": [
                {},
                {
                    "key": "r2",
                    "doi": "",
                    "pmid": "12",
                    "title": "The volume of renal xenografts in the treated mice - PubMed",
                },
            ],
        },
        clean={
            "records": [{}, {"row_id": "R2", "source": "r2", "day": 28.0}],
            "references": [
                {},
                {
                    "key": "r2",
                    "doi": "10.1000/r2",
                    "title": "The volume of renal xenografts in the treated mice - PubMed",
                },
            ],
        },
        names=("R1", "R2", "r1", "r2"),
    ),
    Twin(
        rule="LINT-12",
        what="source on sirolimus",
        dirty=_row(source_compound="rapamycin"),
        clean=_row(source_compound="CCI-779"),
        names=("R1", "r1"),
    ),
    Twin(
        rule="LINT-12",
        what="substance that nobody knows, in evidence and in context",
        dirty=_row(source_compound="compound 17"),
        clean={"records": [{}, {"row_id": "R2", "use": "context", "source_compound": "X"}]},
        names=("R1", "r1"),
    ),
    Twin(
        rule="LINT-13",
        what="adjective in a row without a value",
        dirty={
            "records": [
                {},
                {
                    "row_id": "R2",
                    "day": 28.0,
                    "value": "not_reported",
                    "statement": "Volume fell dramatically.",
                },
            ]
        },
        clean={
            "records": [
                {},
                {
                    "row_id": "R2",
                    "day": 28.0,
                    "value": "not_reported",
                    "statement": "Volume fell, but not dramatically.",
                },
            ]
        },
        names=("R2",),
    ),
    Twin(
        rule="LINT-13",
        what="adjective in a claim without a slot",
        dirty=_claim(text="The effect is remarkable."),
        clean=_claim(text="The effect is remarkable: {low} mm3.", slots={"low": "min value"}),
        names=("K2",),
    ),
    Twin(
        rule="LINT-13",
        what="adjective in a text",
        dirty=_text("A promising substance."),
        clean=_text("A substance."),
        names=("T1",),
    ),
    Twin(
        rule="LINT-14",
        what="source cited for a benefit that its row denies",
        dirty={
            "records": [{}, {"row_id": "R2", "direction": "none", "source": "r2"}],
            "references": TWO_REFERENCES,
            **_claim(
                text="It improves the outcome.",
                where={"row_id": ["R1"]},
                supports=BENEFIT,
                cites=["r2"],
            ),
        },
        clean={
            "records": [{}, {"row_id": "R2", "direction": "none", "source": "r2"}],
            "references": TWO_REFERENCES,
            **_claim(
                text="It improves the outcome.",
                supports=BENEFIT,
                contradicts=AGAINST,
                cites=["r2"],
            ),
        },
        names=("K2", "R2", "r2"),
    ),
    Twin(
        rule="LINT-15",
        what="row whose source reports a minority of responders",
        dirty=_row(source_result="4 of 17 xenografts responded"),
        clean=_row(source_result="14 of 17 xenografts responded"),
        names=("R1", "r1"),
    ),
    Twin(
        rule="LINT-15",
        what="unheard row of a work that a claim counts",
        dirty={
            "records": [{}, {"row_id": "R2", "day": 28.0, "direction": "none"}],
            "claims": [{"where": {"day": [21]}}],
        },
        clean={
            "records": [{}, {"row_id": "R2", "day": 28.0, "direction": "none"}],
            "claims": [{"where": {"day": [21, 28]}}],
        },
        names=("R1", "R2", "r1"),
    ),
    Twin(
        rule="LINT-16",
        what="row against the treatment that no claim weighs",
        dirty={
            "records": [{}, {"row_id": "R2", "direction": "harm", "source": "r2"}],
            "references": TWO_REFERENCES,
            "claims": [{"text": "It helps.", "slots": {}, "supports": BENEFIT}],
        },
        clean={
            "records": [{}, {"row_id": "R2", "direction": "harm", "source": "r2"}],
            "references": TWO_REFERENCES,
            "claims": [
                {"text": "It helps.", "slots": {}, "supports": BENEFIT, "contradicts": AGAINST}
            ],
        },
        names=("R2", "r2"),
    ),
    Twin(
        rule="LINT-17",
        what="regimen of one work called typical",
        dirty=_claim(text="A typical regimen is 2 mg/kg."),
        clean={
            "records": [{}, {"row_id": "R2", "source": "r2"}],
            "references": TWO_REFERENCES,
            **_claim(text="A typical regimen is 2 mg/kg."),
        },
        names=("K2", "R1"),
    ),
    Twin(
        rule="LINT-17",
        what="text on a standard schedule",
        dirty=_text("The standard schedule is daily."),
        clean=_text("The standard deviation is printed. Schedules are listed below."),
        names=("T1",),
    ),
    Twin(
        rule="LINT-18",
        what="synergy without a null model",
        dirty=_row(statement="Both together acted in synergy: 400 mm3."),
        clean=_row(statement="Both together acted in synergy: 400 mm3.", null_model="bliss"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-18",
        what="enhancement without a factorial contrast",
        dirty=_row(statement="It enhanced the vaccine.", contrast="combination_vs_single"),
        clean=_row(statement="It enhanced the vaccine.", contrast="factorial"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-18",
        what="claim of synergy, and its denial",
        dirty=_claim(text="With vorinostat it is synergistic."),
        clean=_claim(text="No row shows that it is synergistic with vorinostat."),
        names=("K2", "R1"),
    ),
    Twin(
        rule="LINT-18",
        what="synergy from a study without and with a null model in the query",
        dirty=_claim(text="Both are synergistic.", **_on_study(null_model=None)),
        clean=_claim(text="Both are synergistic.", **_on_study()),
        names=("K2",),
    ),
    Twin(
        rule="LINT-18",
        what="synergy from a study whose null model is a state",
        dirty=_claim(text="It is supra-additive.", **_on_study(null_model=["not_applicable"])),
        clean=_claim(text="It is supra-additive.", **_on_study(null_model=["bliss", "hsa"])),
        names=("K2",),
    ),
    Twin(
        rule="LINT-18",
        what="synergy from growth rates of a study",
        dirty=_claim(text="Synergy was seen.", **_on_study(analysis=["growth_rate"])),
        clean=_claim(text="No synergy was seen.", **_on_study(analysis=["growth_rate"])),
        names=("K2",),
    ),
    Twin(
        rule="LINT-18",
        what="synergy from a study that is supported by another verdict",
        dirty=_claim(text="Synergy.", **_on_study(verdict=["synergy", "not_shown"])),
        clean=_claim(text="Synergy.", expect="contradicted", **_on_study(verdict=["not_shown"])),
        names=("K2",),
    ),
    Twin(
        rule="LINT-18",
        what="enhancement from a study",
        dirty=_claim(text="One enhanced the other.", **_on_study(null_model=None)),
        clean=_claim(text="One enhanced the other.", **_on_study()),
        names=("K2",),
    ),
    Twin(
        rule="LINT-18",
        what="text that claims synergy, and text that explains it",
        dirty=_text("Temsirolimus is synergistic with much else."),
        clean=_text("A claim of synergy names its null model."),
        names=("T1",),
    ),
    Twin(
        rule="LINT-19",
        what="hosts compared as if they were arms",
        dirty=_row(comparator="other_host"),
        clean=_row(comparator="other_host", contrast="between_hosts", allocation="not_randomized"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-19",
        what="hosts that were randomized",
        dirty=_row(comparator="other_host", contrast="between_hosts"),
        clean=_row(comparator="other_host", contrast="factorial"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-19",
        what="cause from a comparison of lines",
        dirty=_row(
            comparator="other_line",
            contrast="between_lines",
            allocation="not_applicable",
            statement="Loss of PTEN led to 400 mm3.",
        ),
        clean=_row(
            comparator="other_line",
            contrast="between_lines",
            allocation="not_applicable",
            statement="Lines without PTEN reached 400 mm3.",
        ),
        names=("R1",),
    ),
    Twin(
        rule="LINT-20",
        what="approval without a label",
        dirty=_claim(text="It is approved for this use."),
        clean=_claim(
            text="It is approved for this use.",
            approval={"jurisdiction": "US", "date": "2007-05-30", "label": "NDA 022088"},
        ),
        names=("K2",),
    ),
    Twin(
        rule="LINT-20",
        what="approval without a year",
        dirty=_claim(
            text="It is approved.",
            approval={"jurisdiction": "US", "date": "unknown", "label": "NDA 022088"},
        ),
        clean=_claim(
            text="It is approved.",
            approval={"jurisdiction": "US", "date": "2007", "label": "NDA 022088"},
        ),
        names=("K2",),
    ),
    Twin(
        rule="LINT-20",
        what="approval in a text, and that of a committee",
        dirty=_text("An FDA-approved substance."),
        clean=_text("The protocols were approved by the ethics committee."),
        names=("T1",),
    ),
    Twin(
        rule="LINT-21",
        what="significant without a test",
        dirty=_row(
            statement="Growth was significantly slower.",
            test="not_reported",
            p_value="not_reported",
        ),
        clean=_row(statement="Growth was significantly slower.", test="not_reported"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-21",
        what="value without a dispersion, and one read from an abstract",
        dirty=_row(dispersion="not_reported", dispersion_kind="not_reported"),
        clean=_row(dispersion="not_accessible", dispersion_kind="not_accessible"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-21",
        what="significant claim without a tested row",
        dirty=_claim(text="Growth is significantly slower.", where={"day": [7]}),
        clean=_claim(text="Growth is significantly slower."),
        names=("K2",),
    ),
    Twin(
        rule="LINT-22",
        what="procedure without a source, and with one",
        dirty=_claim(
            section="protocol", text="Cages held five.", **{"from": None}, expect="uncited"
        ),
        clean=_claim(
            section="protocol",
            text="Cages held five.",
            **{"from": None},
            cites=["r1"],
            expect="uncited",
        ),
        names=("K2",),
    ),
    Twin(
        rule="LINT-22",
        what="procedure in a text",
        dirty=_text("Calipers gave the volume.", section="endpoints"),
        clean=_text("Calipers gave the volume.", section="endpoints", cites=("r1",)),
        names=("T1",),
    ),
    Twin(
        rule="LINT-23",
        what="renal row with a work on the breast",
        dirty=_reference(subjects=("BRCA",)),
        clean=_reference(subjects=("BRCA", "RCC")),
        names=("R1", "r1"),
    ),
    Twin(
        rule="LINT-23",
        what="claim on glioblastoma with a work on the kidney",
        dirty={
            **_claim(
                text="Seen in glioblastoma.", **{"from": None}, cites=["r1"], expect="uncited"
            ),
            **_reference(subjects=("RCC",)),
        },
        clean={
            **_claim(text="Seen in tumors.", **{"from": None}, cites=["r1"], expect="uncited"),
            **_reference(subjects=("RCC",)),
        },
        names=("K2", "r1"),
    ),
    Twin(
        rule="LINT-24",
        what="offer of a supplier",
        dirty=_text("We offer custom synthesis."),
        clean=_text("We offer a guide."),
        names=("T1",),
    ),
    Twin(
        rule="LINT-24",
        what="figure without a file",
        dirty=_figure(present=False),
        clean=_figure(present=True),
        names=("F1",),
    ),
    Twin(
        rule="LINT-25",
        what="mean of more than ten deviations",
        dirty=_row(dispersion=30.0),
        clean=_row(dispersion=30.0, dispersion_kind="SEM"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-25",
        what="effect of more than five deviations",
        dirty=_row(unit="percent", value=40.0, dispersion=7.0, denominator="vehicle mean"),
        clean=_row(unit="percent", value=40.0, dispersion=8.0, denominator="vehicle mean"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-25",
        what="delay of more than five deviations",
        dirty=_row(endpoint="growth_delay", unit="day", value=21.0, dispersion=4.0),
        clean=_row(endpoint="growth_delay", unit="day", value=19.0, dispersion=4.0),
        names=("R1",),
    ),
    Twin(
        rule="LINT-25",
        what="ratio of more than five deviations",
        dirty=_row(unit="ratio", value=0.4, dispersion=0.1, denominator="vehicle mean"),
        clean=_row(unit="ratio", value=0.4, dispersion=0.2, denominator="vehicle mean"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-26",
        what="value without n",
        dirty=_row(n_treated="not_reported"),
        clean=_row(n_treated="not_accessible"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-27",
        what="row from memory",
        dirty=_row(reading="recalled"),
        clean={"records": [{}, {"row_id": "R2", "use": "context", "reading": "recalled"}]},
        names=("R1",),
    ),
    Twin(
        rule="LINT-27",
        what="row whose one source is unresolved",
        dirty=_reference(verification="unresolved"),
        clean=_reference(verification="partly_verified"),
        names=("R1", "r1"),
    ),
    Twin(
        rule="LINT-28",
        what="reference that nothing cites",
        dirty={"references": TWO_REFERENCES},
        clean={
            "references": TWO_REFERENCES,
            "figures": [
                AnnouncedFigure(
                    id="F1", section="mechanism", title="F", present=True, cites=("r2",)
                )
            ],
        },
        names=("r2",),
    ),
    Twin(
        rule="LINT-30",
        what="NCIt code of another tumor",
        dirty=_row(ncit="C4337"),
        clean=_row(ncit="not_reported"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-31",
        what="locator that leads nowhere",
        dirty=_row(locator="full text"),
        clean=_row(locator="abstract"),
        names=("R1",),
    ),
    Twin(
        rule="LINT-32",
        what="claim on temsirolimus that counts sirolimus",
        dirty={
            "records": [{}, {"row_id": "R2", "compound": "sirolimus"}],
            **_claim(text="Torisel slows growth."),
        },
        clean={
            "records": [{}, {"row_id": "R2", "compound": "sirolimus"}],
            **_claim(text="Torisel and rapamycin slow growth."),
        },
        names=("K2", "R2"),
    ),
    Twin(
        rule="LINT-33",
        what="review behind an animal row",
        dirty=_reference(source_kind="review"),
        clean={**_reference(source_kind="review"), **_row(evidence_kind="review")},
        names=("R1", "r1"),
    ),
    Twin(
        rule="LINT-33",
        what="trial behind a row from cells",
        dirty={**_reference(source_kind="clinical_trial"), **_row(evidence_kind="in_vitro")},
        clean={**_reference(source_kind="primary_in_vitro"), **_row(evidence_kind="in_vitro")},
        names=("R1", "r1"),
    ),
    Twin(
        rule="LINT-34",
        what="key that the library lacks",
        dirty=_claim(cites=["r9"], text="It was seen."),
        clean=_claim(cites=["r1"], text="It was seen."),
        names=("K2", "r9"),
    ),
    Twin(
        rule="LINT-35",
        what="simulation whose limits and a study's have nothing in common",
        dirty={
            "disagreements": [
                Disagreement(
                    tumor="RCC",
                    treatment="temsirolimus",
                    simulation="simulation:small",
                    study="study:s1",
                    simulated="−0.1 per day",
                    measured="−0.02 per day",
                )
            ]
        },
        clean={"disagreements": []},
        names=("simulation:small", "study:s1"),
    ),
]


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: f"{twin.rule}: {twin.what}")
def test_a_defect_fires_its_rule_and_no_other(
    twin: Twin, make_case: Callable[..., LintInput]
) -> None:
    findings = lint(make_case(**twin.dirty))
    assert {finding.rule for finding in findings} == {twin.rule}, findings
    named = {s for f in findings for s in (*f.rows, *f.claims, *f.subjects)}
    assert named == set(twin.names)


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: f"{twin.rule}: {twin.what}")
def test_no_rule_fires_on_the_clean_twin(twin: Twin, make_case: Callable[..., LintInput]) -> None:
    assert lint(make_case(**twin.clean)) == ()


def test_every_rule_has_a_twin() -> None:
    # LINT-29 is about waivers of other rules' findings and stands below
    assert {twin.rule for twin in TWINS} | {"LINT-29"} == {rule.id for rule in RULES}


def test_a_waiver_without_a_finding_is_a_finding(make_case: Callable[..., LintInput]) -> None:
    findings = lint(make_case(**_waiver("accepted", "R7")))
    assert [(f.rule, f.waived) for f in findings] == [("LINT-08", False), ("LINT-29", False)]
    assert findings[1].subjects == ("R7",)


def test_a_waiver_without_a_reason_is_a_finding(make_case: Callable[..., LintInput]) -> None:
    findings = lint(make_case(**_waiver(" ", "R1")))
    assert [(f.rule, f.waived) for f in findings] == [("LINT-08", True), ("LINT-29", False)]


def test_a_waiver_with_reason_and_finding_is_none(make_case: Callable[..., LintInput]) -> None:
    findings = lint(make_case(**_waiver("accepted", "R1")))
    assert [(f.rule, f.waived) for f in findings] == [("LINT-08", True)]

"""An assessment as one page that needs no other file: on a phone, in the dark, on paper."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib.metadata import version

from ..assess.engine import Assessment
from ..assess.finding import Criterion, Finding
from ..assess.projects import Project
from ..assess.rubric import Line, Rubric
from .verdict import TOP, blocked_by, left_out_lines, shown_status, standing, total

STYLE = """
:root{color-scheme:light dark;--page:#fbfbf9;--card:#fff;--ink:#22262b;--soft:#59616b;
--line:#e3e4e0;--bar:#dfe2de;--accent:#2d6a8e;--good:#1f6b3a;--bad:#a3362b;--open:#7a5b00}
@media(prefers-color-scheme:dark){:root{--page:#15181c;--card:#1d2126;--ink:#e6e8ea;
--soft:#a3abb5;--line:#2d333a;--bar:#363d45;--accent:#7fb8d8;--good:#7cc596;--bad:#f0978c;
--open:#dcb860}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main{max-width:46rem;margin:0 auto;padding:2.5rem 1.1rem 3rem}
h1{font-size:2.3rem;line-height:1.15;margin:1.8rem 0 .5rem;letter-spacing:-.02em}
h2{font-size:1.15rem;margin:2.4rem 0 .7rem}
p{margin:.4rem 0}
.soft,footer,small{color:var(--soft)}
.over{margin:0;color:var(--soft);overflow-wrap:anywhere}
a{color:var(--accent)}
code,.place{font:.84em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;
overflow-wrap:anywhere}
.profile{display:grid;grid-template-columns:repeat(3,1fr);gap:.8rem;margin:.8rem 0 0;padding:0}
.profile>div{background:var(--card);border:1px solid var(--line);border-radius:.6rem;
padding:.7rem .9rem .9rem}
dt{color:var(--soft)}
dd{margin:0}
dd strong{font-size:1.5rem;font-weight:600}
.bar{display:flex;gap:3px;margin-top:.35rem}
.bar i{flex:1;height:.4rem;border-radius:.2rem;background:var(--bar)}
.bar i.on{background:var(--accent)}
ol.steps{margin:0;padding:0;list-style:none}
ol.steps li,details{background:var(--card);border:1px solid var(--line);border-radius:.6rem;
margin:.6rem 0;padding:.8rem 1rem}
details{padding:0}
summary{padding:.8rem 1rem;cursor:pointer;font-weight:600}
summary span{color:var(--soft);font-weight:400;margin-left:.5rem}
summary:focus-visible,a:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
ul.found{margin:0;padding:0;list-style:none}
ul.found li{display:grid;grid-template-columns:6.3rem 1fr;gap:.1rem .6rem;padding:.65rem 1rem;
border-top:1px solid var(--line)}
ul.found li:target{background:var(--page)}
ul.found p{margin:0}
.status{font-weight:600}
.met{color:var(--good)}.missing{color:var(--bad)}.unknown{color:var(--open)}
.not-applicable,.ignored{color:var(--soft)}
.stated{color:var(--accent)}
.id{color:var(--soft);font-size:.85em;white-space:nowrap}
.place{color:var(--soft)}
.wide{grid-column:1/-1}
footer{margin-top:2.6rem;border-top:1px solid var(--line);padding-top:1rem;font-size:.92rem}
@media(max-width:34rem){main{padding-top:1.5rem}h1{font-size:1.9rem}
.profile{grid-template-columns:1fr;gap:.5rem}.profile>div{display:grid;
grid-template-columns:1fr auto;align-items:center;gap:0 1rem;padding:.6rem .9rem}
dd strong{font-size:1.15rem}.bar{grid-column:1/-1}
ul.found li{grid-template-columns:1fr}}
@media print{details{break-inside:avoid}body{background:#fff}}
"""


def as_page(
    projects: Sequence[Project],
    name: str,
    left_out: Mapping[str, int],
    notes: Sequence[str],
    rubric: Rubric | None = None,
) -> str:
    """Return a page that needs no other file.

    Parameters
    ----------
    projects
        The projects of the repository; the page is about the first.
    name
        The repository's name.
    left_out
        How many files or folders were left out, by reason.
    notes
        What could not be read.
    rubric
        A rubric to show, too.
    """
    found = projects[0].assessment
    lines = [
        *head(found, "/".join(filter(None, [name, projects[0].folder]))),
        *(others(projects) if len(projects) > 1 else ()),
        *steps(found),
        *(rubric_lines(rubric) if rubric else ()),
        *levels(found),
        *foot(found, [*left_out_lines(left_out), *notes]),
    ]
    return "\n".join(lines) + "\n"


def head(found: Assessment, name: str) -> Iterator[str]:
    """Yield the head of the page: the profile, the level, and what blocks the next."""
    title = escape(f"{name}: {standing(found)}")
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield f"<title>{title}</title><style>{STYLE}</style></head><body><main><header>"
    yield f'<p class="over">MLOps assessment of {escape(name)}</p>'
    yield '<dl class="profile">'
    for dimension, height in found.profile.dimensions.items():
        yield f"<div><dt>{dimension}</dt><dd><strong>{height}</strong> of {TOP}</dd>"
        yield f"{bar(height)}</div>"
    yield f"</dl><h1>{escape(standing(found))}</h1>"
    if said := blocked_by(found):
        yield f"<p>{linked(escape(said), found)}.</p>"
    if found.profile.assumed:
        assumed = linked(escape(", ".join(found.profile.assumed)), found)
        yield f'<p class="soft">Files cannot show {assumed}; the level takes them as given.</p>'
    yield "</header>"


def others(projects: Sequence[Project]) -> Iterator[str]:
    """Yield the level of each project of a repository that has several."""
    yield f"<h2>Projects</h2><p>The page is about {escape(projects[0].folder)}.</p>"
    yield '<details open><summary>Level of each</summary><ul class="found">'
    for one in projects:
        yield f'<li><span class="status">{escape(standing(one.assessment))}</span>'
        yield f'<p class="place">{escape(one.folder)}</p></li>'
    yield "</ul></details>"


def bar(height: int) -> str:
    """Return a bar of four parts; the number beside it says the same."""
    parts = "".join(f"<i{' class=on' if part < height else ''}></i>" for part in range(TOP))
    return f'<div class="bar" aria-hidden="true">{parts}</div>'


def linked(text: str, found: Assessment) -> str:
    """Return a text in which the identifiers of criteria lead to them."""
    for one in found.criteria:
        text = text.replace(one.id, f'<a href="#{one.id}">{one.id}</a>')
    return text


def steps(found: Assessment) -> Iterator[str]:
    """Yield the next steps."""
    if not found.steps:
        return
    yield '<h2>Next steps</h2><ol class="steps">'
    for step in found.steps:
        yield f'<li><a class="id" href="#{step.id}">{step.id}</a> {escape(step.title)}'
        yield f'<p class="soft">{escape(sentence(step.why))}</p>' if step.why else ""
        yield f"<code>{escape(step.command)}</code>" if step.command else ""
        yield "</li>"
    yield "</ol>"


def sentence(text: str) -> str:
    """Return a text that begins as a sentence does."""
    first, _, _ = text.partition(" ")
    return text if any(sign in first for sign in "./_") else text[:1].upper() + text[1:]


def rubric_lines(rubric: Rubric) -> Iterator[str]:
    """Yield a rubric."""
    yield f"<h2>{escape(rubric.title)}</h2><p>{escape(total(rubric))}.</p>"
    yield '<details open><summary>Points by line</summary><ul class="found">'
    for line in rubric.lines:
        status = "met" if line.points == line.most else "unknown" if line.peer else "missing"
        yield f'<li><span class="status {status}">{line.points} of {line.most}</span>'
        yield f"<div><p>{escape(line.name)}</p>{remarks(line)}</div></li>"
    yield "</ul></details>"


def remarks(line: Line) -> str:
    """Return what is said below a line of a rubric."""
    said = [sentence(line.why)] if line.why else []
    if line.peer:
        said.append(f"Up to {line.peer} for a peer to judge: {line.asks}")
    places = places_of(line.evidence)
    return "".join(f'<p class="soft">{escape(one)}</p>' for one in said) + places


def places_of(evidence: Sequence[object]) -> str:
    """Return the places of evidence."""
    texts = [escape(str(getattr(one, "place", one))) for one in evidence]
    return f'<p class="place">{", ".join(texts)}</p>' if texts else ""


def levels(found: Assessment) -> Iterator[str]:
    """Yield the criteria by level; those of levels beyond the next are folded."""
    yield "<h2>Criteria</h2>"
    for level in range(TOP + 1):
        of_level = [one for one in found.criteria if one.level == level]
        met = sum(found.findings[one.id].status == "met" for one in of_level)
        shown = " open" if level <= found.profile.level + 1 else ""
        yield f"<details{shown}><summary>Level {level}<span>{met} of {len(of_level)} met</span>"
        yield '</summary><ul class="found">'
        for one in of_level:
            yield row(one, found.findings[one.id])
        yield "</ul></details>"


def row(one: Criterion, finding: Finding) -> str:
    """Return a criterion as an entry of a list."""
    status = shown_status(finding)
    kind = "" if one.kind == "must" else f", {'recommended' if one.kind == 'should' else one.kind}"
    reason = f'<p class="soft">{escape(sentence(finding.reason))}</p>' if finding.reason else ""
    return (
        f'<li id="{one.id}"><span class="status {status.replace(" ", "-")}">{status}</span>'
        f'<div><p>{escape(one.title)} <span class="id">{one.id}{kind}</span></p>'
        f"{reason}{places_of(finding.evidence)}</div></li>"
    )


def foot(found: Assessment, said: Sequence[str]) -> Iterator[str]:
    """Yield the foot of the page: what was read, and what was not."""
    yield f"<footer><p>{found.files:,} files were read, none of their code was run."
    if said:
        yield f"</p><details><summary>Left out or not readable<span>{len(said)}</span></summary>"
        yield '<ul class="found">'
        yield from (
            f'<li><p class="place" style="grid-column:1/-1">{escape(one)}</p></li>' for one in said
        )
        yield "</ul></details><p>"
    yield f"mlops-ladder {escape(version('mlops-ladder'))}</p></footer></main></body></html>"

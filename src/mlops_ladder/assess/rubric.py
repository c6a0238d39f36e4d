"""The rubric of the MLOps Zoomcamp's course project: the points that files show.

The text is that of `07-project/README.md` in the course's repository. What no file shows, such as
how well the problem is described, is left to a peer.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from .finding import Evidence, Finding

DOCKERFILE = re.compile(r"(^|/)([^/]*Dockerfile[^/]*|Containerfile|[^/]+\.dockerfile)$")
STARTS = re.compile(rb"(?im)^\s*(CMD|ENTRYPOINT)\b")
README = re.compile(r"readme[^/]*", re.IGNORECASE)
PROVISIONING = re.compile(r"\.(tf|bicep)$|(^|/)(Pulumi\.ya?ml|cdk\.json)$")
SERVING_TOOLS = re.compile(
    r"bentoml|InferenceService|SeldonDeployment|ServingRuntime|RayService|serve\.|mlserver|litserve"
    r"|deploy\(|transformer\(|schema"
)


@dataclass(frozen=True)
class Line:
    """A line of a rubric, with the points that files show and those that a peer may add."""

    name: str
    most: int
    points: int
    why: str
    evidence: tuple[Evidence, ...] = ()
    peer: int = 0
    """How many points more a peer may give."""
    asks: str = ""
    """What the peer judges."""


@dataclass(frozen=True)
class Rubric:
    """A rubric, filled in as far as files allow."""

    name: str
    title: str
    lines: tuple[Line, ...]
    checkable: int
    """The points that files can show at most."""

    @property
    def most(self) -> int:
        """The points of the rubric."""
        return sum(line.most for line in self.lines)

    @property
    def seen(self) -> int:
        """The points that files show."""
        return sum(line.points for line in self.lines)

    @property
    def possible(self) -> int:
        """The points if a peer gives all that are left to a peer."""
        return self.seen + sum(line.peer for line in self.lines)


class Findings:
    """What was found, as the lines of the rubric ask for it."""

    def __init__(self, findings: Mapping[str, Finding], tree: Mapping[str, bytes]) -> None:
        self.findings = findings
        self.tree = tree

    def met(self, *ids: str) -> bool:
        """Tell whether one of the criteria is met, by what is seen."""
        return any(self.findings[id].status == "met" for id in ids)

    def unknown(self, *ids: str) -> bool:
        """Tell whether files cannot show one of the criteria, and none is met."""
        return not self.met(*ids) and any(self.findings[id].status == "unknown" for id in ids)

    def places(self, *ids: str) -> tuple[Evidence, ...]:
        """Return the first place of each criterion that is met."""
        found = [self.findings[id].evidence[:1] for id in ids if self.met(id)]
        return tuple(place for part in found for place in part)

    def images(self) -> tuple[Evidence, ...]:
        """Return the Dockerfiles that start something."""
        paths = (path for path in self.tree if DOCKERFILE.search(path))
        return tuple(Evidence(p, 1, "image") for p in paths if STARTS.search(self.tree[p]))[:1]


def zoomcamp(findings: Mapping[str, Finding], tree: Mapping[str, bytes]) -> Rubric:
    """Fill in the rubric of the course, of 33 points."""
    found = Findings(findings, tree)
    parts: Iterable[Callable[[Findings], Line]] = (
        problem,
        cloud,
        tracking,
        orchestration,
        deployment,
        monitoring,
        reproducibility,
    )
    lines = (*(part(found) for part in parts), *practices(found))
    return Rubric("zoomcamp", "MLOps Zoomcamp, course project", lines, checkable=29)


def problem(found: Findings) -> Line:
    """Problem description: 0, 1 or 2 points, which only a person can give."""
    name = "Problem description"
    readmes = sorted(path for path in found.tree if README.fullmatch(path))
    if not readmes or not found.tree[readmes[0]].strip():
        return Line(name, 2, 0, "there is no README")
    place = (Evidence(readmes[0], 1, "README"),)
    return Line(name, 2, 0, "", place, 2, "is the problem described, and clear?")


def cloud(found: Findings) -> Line:
    """Cloud: 2 for a cloud or a cluster, 4 if tools provision the infrastructure."""
    name = "Cloud"
    places = found.places("L3-15")
    provisioned = [
        place
        for place in found.findings["L3-15"].evidence
        if found.met("L3-15")
        and (PROVISIONING.search(place.path) or place.what == "CloudFormation")
    ]
    if provisioned:
        return Line(name, 4, 4, "files provision the infrastructure", tuple(provisioned[:1]))
    cluster = [
        place
        for place in found.findings["L3-15"].evidence
        if found.met("L3-15") and "compose" not in place.path.rpartition("/")[2]
    ]
    if cluster:
        return Line(name, 4, 2, "manifests of a cluster; nothing provisions it", tuple(cluster[:1]))
    why = "Compose runs on one machine" if places else "no file speaks of a cloud"
    return Line(name, 4, 0, why, places, 2, "was it developed in a cloud, or with LocalStack?")


def tracking(found: Findings) -> Line:
    """Experiment tracking and model registry: 2 for one, 4 for both."""
    return both(
        found,
        "Experiment tracking and model registry",
        ("L2-03", "tracking of experiments"),
        ("L2-05", "registry of models"),
    )


def both(found: Findings, name: str, first: tuple[str, str], second: tuple[str, str]) -> Line:
    """Return 2 points for each of two criteria."""
    asked = (first, second)
    said = [what for id, what in asked if found.met(id)]
    lacks = [f"no {what} was seen" for id, what in asked if not found.met(id)]
    left = [what for id, what in asked if found.unknown(id)]
    places = found.places(first[0], second[0])
    points, why = 2 * len(said), "; ".join([*said, *lacks])
    return Line(name, 4, points, why, places, 2 * len(left), " and ".join(left))


def orchestration(found: Findings) -> Line:
    """Workflow orchestration: 2 for a pipeline, 4 if it runs by itself where it is deployed."""
    name = "Workflow orchestration"
    if not found.met("L2-02"):
        return Line(name, 4, 0, found.findings["L2-02"].reason)
    if found.met("L2-08"):
        places = found.places("L2-02", "L2-08")
        return Line(name, 4, 4, "a pipeline that runs on a schedule", places)
    why = f"a pipeline; {found.findings['L2-08'].reason}"
    peer, asks = (2, "is the workflow deployed?") if found.unknown("L2-08") else (0, "")
    return Line(name, 4, 2, why, found.places("L2-02"), peer, asks)


def deployment(found: Findings) -> Line:
    """Model deployment: 2 if the model is served, 4 in a container or with a serving tool."""
    name = "Model deployment"
    if not found.met("L3-01"):
        peer, asks = (4, "is the model deployed?") if found.unknown("L3-01") else (0, "")
        return Line(name, 4, 0, found.findings["L3-01"].reason, (), peer, asks)
    served = found.places("L3-01")
    tool = [one for one in found.findings["L3-01"].evidence if SERVING_TOOLS.search(one.what)]
    images = found.places("L3-02") or found.images()
    if tool or images:
        why = "served with a tool for it" if tool else "served from an image"
        return Line(name, 4, 4, why, (*served, *images))
    return Line(name, 4, 2, "served, but in no container", served)


def monitoring(found: Findings) -> Line:
    """Model monitoring: 2 for reports, 4 if alerts or a conditional workflow follow."""
    name = "Model monitoring"
    watched = found.findings["L3-12"]
    reports = found.met("L3-12", "L4-01", "L4-02") or watched.grade == "E1"
    if not reports:
        peer, asks = (2, "is the model monitored?") if found.unknown("L3-12") else (0, "")
        return Line(name, 4, 0, watched.reason, (), peer, asks)
    places = found.places("L3-12") or watched.evidence[:1]
    if found.met("L3-13", "L4-03"):
        acts = found.places("L3-13", "L4-03")[:1]
        return Line(name, 4, 4, "metrics, and what acts on them", (*places, *acts))
    return Line(name, 4, 2, "metrics are reported; nothing acts on them", places)


def reproducibility(found: Findings) -> Line:
    """Reproducibility: 2 for some instructions; 4 if they are clear, work, and versions are set."""
    name = "Reproducibility"
    if not found.met("L0-02"):
        return Line(name, 4, 0, found.findings["L0-02"].reason)
    places = found.places("L0-02", "L1-02")
    if found.findings["L1-02"].status == "missing":
        why = f"instructions; {found.findings['L1-02'].reason}"
        return Line(name, 4, 2, why, places)
    why = "instructions, and versions of the packages" if found.met("L1-02") else "instructions"
    return Line(name, 4, 2, why, places, 2, "are they clear, is the data there, does it work?")


def practices(found: Findings) -> Iterable[Line]:
    """Yield the lines of best practices, of 7 points together."""
    yield practice(found, "Unit tests", "L1-03")
    yield practice(found, "Integration test", "L1-07", "L2-13", "L3-05")
    yield practice(found, "Linter or formatter", "L1-08")
    makefile = tuple(Evidence(path, 1, "Makefile") for path in found.tree if path == "Makefile")
    runner = found.findings["L1-10"].evidence[:1]  # whatever its tasks do
    if makefile or not runner:
        yield Line("Makefile", 1, len(makefile), "" if makefile else "there is none", makefile)
    else:
        yield Line("Makefile", 1, 0, "another task runner", runner, 1, "does it count as one?")
    yield practice(found, "Pre-commit hooks", "L1-09")
    yield pipeline(found)


def practice(found: Findings, name: str, *ids: str) -> Line:
    """Return a point if one of the criteria is met."""
    if found.met(*ids):
        return Line(name, 1, 1, "", found.places(*ids)[:1])
    peer, asks = (1, "is it there?") if found.unknown(*ids) else (0, "")
    return Line(name, 1, 0, found.findings[ids[0]].reason, (), peer, asks)


def pipeline(found: Findings) -> Line:
    """Return two points if CI tests, and builds, publishes or deploys."""
    name, after = "CI/CD pipeline", ("L3-03", "L1-06", "L1-05")
    if found.met("L1-04") and found.met(*after):
        places = (*found.places("L1-04"), *found.places(*after)[:1])
        return Line(name, 2, 2, "", places)
    if found.met("L1-04"):
        why = "CI runs the tests, but builds and deploys nothing"
        return Line(name, 2, 0, why, found.places("L1-04"), 2, "is CI alone enough?")
    peer, asks = (2, "is there CI/CD?") if found.unknown("L1-04") else (0, "")
    return Line(name, 2, 0, found.findings["L1-04"].reason, (), peer, asks)


RUBRICS: dict[str, Callable[[Mapping[str, Finding], Mapping[str, bytes]], Rubric]] = {
    "zoomcamp": zoomcamp,
}

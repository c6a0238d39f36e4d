"""The projects of a repository that has several: in the terminal, and as JSON."""

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from ..assess.projects import Project
from ..terminal import escape
from .assessment import as_document
from .tables import Grid, section, show
from .verdict import profile_line


def print_projects(projects: Sequence[Project]) -> None:
    """Print the level of each project, and which of them the rest is about."""
    rows = [
        [
            one.folder,
            f"level {one.assessment.profile.level}",
            profile_line(one.assessment) if one.assessment.is_ml else "trains nothing",
            f"blocked by {', '.join(one.assessment.profile.blocking)}"
            if one.assessment.profile.blocking
            else "",
        ]
        for one in projects
    ]
    told = Text(f"The rest is about {escape(projects[0].folder)}")
    show([section("Projects", str(len(projects)), [Grid(rows), told]), Text()])


def projects_data(projects: Sequence[Project]) -> dict[str, Any]:
    """Return the folder of the project that the document is about, and a document for each."""
    return {
        "project": projects[0].folder,
        "projects": [
            {"folder": one.folder, **as_document(one.assessment, {}, one.assessment.notes)}
            for one in projects
        ],
    }

"""Publish the answers of a level, with the reasons why the tempting ones are wrong."""

import shutil
import tempfile
from pathlib import Path

from ..errors import RefusedError
from ..git import git, succeeds
from .content import EDITS, Content, CourseTask, filled
from .repository import branch, levels


def release(course: Path, content: Content, level: int) -> str:
    """Commit `answers/N.md` on the branch `answers-N`, which continues the level; return its name.

    Raises
    ------
    RefusedError
        The course has no such level, or its answers are published already.
    """
    if level not in levels(course):
        raise RefusedError(f"{course} has no level {level}")
    name = f"answers-{level}"
    if succeeds(course, "rev-parse", "--verify", "--quiet", f"refs/heads/{name}"):
        raise RefusedError(f"the answers of level {level} are on the branch {name} already")
    with tempfile.TemporaryDirectory(prefix="answers-") as folder:
        tree = Path(folder) / "tree"
        git(course, "worktree", "add", "--quiet", "-b", name, tree, branch(level))
        try:
            file = tree / "answers" / f"{level}.md"
            file.parent.mkdir()
            file.write_text(text_of(content, level, tree), encoding="utf-8")
            git(tree, "add", "answers")
            message = f"Answers of level {level}"
            git(tree, "commit", "--quiet", "--no-verify", "--message", message)
        finally:
            git(course, "worktree", "remove", "--force", tree)
            shutil.rmtree(tree, ignore_errors=True)
    return name


def text_of(content: Content, level: int, project: Path) -> str:
    """Return the answers of a level's tasks in Markdown."""
    answers = map(answer_of, content.published_tasks(level, project))
    return f"# Answers of level {level}\n\n" + "\n".join(answers)


def answer_of(task: CourseTask) -> str:
    """Return the answer of a task, and what is wrong with others."""
    parts = [f"## {task.name} {task.about['title']}\n"]
    for file in sorted(path for path in (task.folder / "answer").rglob("*") if path.is_file()):
        place = file.relative_to(task.folder / "answer").as_posix()
        heading = f"`{place}`" if file.name != EDITS else "Edits, with your values for `@name@`:"
        kind = file.suffix[1:].replace("py", "python").replace("yml", "yaml")
        text = filled(file.read_text(encoding="utf-8"), {}, "<package>")
        parts.append(f"{heading}\n\n```{kind}\n{text.rstrip()}\n```\n")
    parts.append("Tempting, and wrong:\n")
    parts += [f"- {name.replace('-', ' ')}: {why}" for name, why in task.wrong.items()]
    return "\n".join(parts) + "\n"

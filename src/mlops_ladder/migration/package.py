"""Detection of a package that the user renamed or moved."""

from collections import Counter
from collections.abc import Collection
from pathlib import Path


def moved_package(
    committed: Collection[str], rendered: Path, package: str, place: str
) -> str | None:
    """Return the folder to which most of the package's modules were moved, if they were.

    Parameters
    ----------
    committed
        Every file of the project.
    rendered
        The template, rendered as the project has it.
    package
        The name that the project remembers.
    place
        The folder where the project has it.

    Returns
    -------
    str or None
        A path relative to the project; None if the package is where the template has it, or gone.
    """
    source = rendered / "src" / package
    modules = [file.relative_to(source).as_posix() for file in source.rglob("*.py")]
    missing = [module for module in modules if f"{place}/{module}" not in committed]
    if not package or len(missing) * 2 <= len(modules):
        return None
    found = Counter(
        path.removesuffix(f"/{module}")
        for module in missing
        for path in committed
        if path.endswith(f"/{module}")
    )
    folder, count = max(found.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    return folder if count * 2 > len(missing) else None

"""Jinja filters and functions that cookiecutter needs for the template's questions."""

import os
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from jinja2.ext import Extension

REPOSITORY = Path(__file__).parent.parent


def regex_replace(text: str, pattern: str, replacement: str) -> str:
    """Replace each match of the pattern, as the filter of the same name does in copier."""
    return re.sub(pattern, replacement, text)


def regex_search(text: str, pattern: str) -> str | None:
    """Return the first match of the pattern, as the filter of the same name does in copier."""
    found = re.search(pattern, text)
    return found and found.group()


def package_name(project_name: str) -> str:
    """Return the package name that copier would propose, from the same template."""
    environment = Environment(
        loader=FileSystemLoader(REPOSITORY), trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"regex_replace": regex_replace, "regex_search": regex_search}
    template = environment.get_template("questions/package_name.jinja")
    return template.render(project_name=project_name)


class LadderExtension(Extension):
    """Adds the filter `package_name` and the function `working_folder`.

    In a hook, the working folder is this repository.
    """

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.filters["package_name"] = package_name
        environment.globals["working_folder"] = os.getcwd

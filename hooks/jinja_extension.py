"""What cookiecutter's Jinja lacks to ask our questions and to hand the answers on."""

import os
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from jinja2.ext import Extension

REPOSITORY = Path(__file__).parent.parent


def regex_replace(text: str, pattern: str, replacement: str) -> str:
    return re.sub(pattern, replacement, text)


def regex_search(text: str, pattern: str) -> str | None:
    found = re.search(pattern, text)
    return found and found.group()


def package_name(project_name: str) -> str:
    """The name that copier would propose, by the very file that copier reads."""
    environment = Environment(
        loader=FileSystemLoader(REPOSITORY), trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"regex_replace": regex_replace, "regex_search": regex_search}
    template = environment.get_template("questions/package_name.jinja")
    return template.render(project_name=project_name)


class LadderExtension(Extension):
    """The filter `package_name`, and `working_folder()`, which is this repository in a hook."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.filters["package_name"] = package_name
        environment.globals["working_folder"] = os.getcwd

"""Tests of what `assess` writes: documents that follow their schemas, a page and a badge."""

import json
import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from assess.twins import LOOP, PICKLED, TESTED, TRAIN, tree
from commands import call, printed, refused
from mlops_ladder.assess.engine import assess
from mlops_ladder.report.badge import COLOURS, as_badge
from mlops_ladder.report.page import STYLE
from mlops_ladder.report.sarif import as_sarif_log

HERE = Path(__file__).parent
SCHEMA = json.loads((HERE.parents[1] / "docs/reference/assess.schema.json").read_text())
PUBLISHES = "on: push\njobs:\n  a:\n    steps:\n    - run: ./tools/publish model\n"
SARIF = json.loads((HERE.parent / "resources/sarif-2.1.0.json").read_text())
FOLDERS = {
    "nothing": {},
    "a script": TRAIN,
    "a service": {**PICKLED, **TESTED},
    "a loop": LOOP,
    "files that are broken": {"a.ipynb": "{", "b.py": "import torch\nx = (", "pyproject.toml": "["},
    "a name with spaces and marks": {"<b> & é.py": "import torch\nloss.backward()\n"},
    "a notebook": {
        "a.ipynb": '{"cells": [{"cell_type": "code", "source": "import torch\\nx.backward()"}]}'
    },
}


@pytest.fixture(params=FOLDERS, ids=lambda name: name.replace(" ", "-"))
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a folder with the files of one kind of repository."""
    for path, body in tree(FOLDERS[request.param]).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(body)
    return tmp_path


def test_the_document_follows_its_schema(folder: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for options in ([], ["--rubric", "zoomcamp"]):
        document = json.loads(printed("assess", "--json", *options, cwd=folder))
        jsonschema.validate(document, SCHEMA)
        assert ("rubric" in document) is bool(options)


def test_a_document_with_another_key_or_status_does_not(tmp_path: Path) -> None:
    document = json.loads(printed("assess", "--json", cwd=tmp_path))
    document["criteria"][0]["status"] = "passed"
    with pytest.raises(jsonschema.ValidationError, match="passed"):
        jsonschema.validate(document, SCHEMA)


def test_the_log_follows_the_schema_of_sarif(folder: Path) -> None:
    log = json.loads(printed("assess", "--sarif", cwd=folder))
    jsonschema.validate(log, SARIF, cls=jsonschema.Draft4Validator)
    run = log["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules
    assert [rules[one["ruleIndex"]] for one in run["results"]] == [
        one["ruleId"] for one in run["results"]
    ]


def test_a_log_that_names_no_level_of_sarif_does_not(tmp_path: Path) -> None:
    log = json.loads(printed("assess", "--sarif", cwd=tmp_path))
    log["runs"][0]["results"][0]["level"] = "bad"
    with pytest.raises(jsonschema.ValidationError, match="bad"):
        jsonschema.validate(log, SARIF, cls=jsonschema.Draft4Validator)


def test_what_may_be_there_is_open() -> None:
    files = tree(
        {".github/workflows/a.yml": PUBLISHES, "train.py": "import torch\nloss.backward()\n"}
    )
    log = as_sarif_log(assess(files), files)
    (told,) = [one for one in log["runs"][0]["results"] if one["ruleId"] == "L1-06"]
    assert (told["kind"], told["level"]) == ("open", "none")
    jsonschema.validate(log, SARIF, cls=jsonschema.Draft4Validator)


def test_a_result_names_a_file_that_is_there() -> None:
    files = tree({"docs/a b.rst": "", "train it.py": "import torch\nloss.backward()\n"})
    log = as_sarif_log(assess(files), files)
    places = [one["locations"][0]["physicalLocation"] for one in log["runs"][0]["results"]]
    uris = {place["artifactLocation"]["uri"] for place in places}
    assert uris <= {"docs/a%20b.rst", "train%20it.py"}


class Page(HTMLParser):
    """Reads a page: which elements are open at its end, their identifiers, links and text."""

    VOID = ("meta", "br", "link")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record an element."""
        if tag not in self.VOID:
            self.open.append(tag)
        said = dict(attrs)
        assert not {"src", "onload"} & said.keys()
        self.ids += [said["id"] or ""] if "id" in said else []
        self.links += [said["href"] or ""] if "href" in said else []

    def handle_endtag(self, tag: str) -> None:
        """Check that elements are closed in order."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Record text."""
        self.text.append(data)


def test_the_page_is_whole_and_needs_nothing_else(folder: Path) -> None:
    file = folder.parent / "page.html"
    printed("assess", "--html", file, "--rubric", "zoomcamp", cwd=folder)
    text = file.read_text()
    page = Page(text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids)) == 61
    assert {link.removeprefix("#") for link in page.links} <= {*page.ids}
    assert "http" not in text
    assert "@import" not in text
    assert "url(" not in text
    assert "width=device-width" in text
    assert folder.name in "".join(page.text)


def colours(scheme: str) -> dict[str, str]:
    """Return the colours of the light or the dark scheme by name."""
    light, _, dark = STYLE.partition("@media(prefers-color-scheme:dark)")
    found = re.findall(r"--(\w+):(#\w+)", dark.partition("*{")[0] if scheme == "dark" else light)
    return {name: colour for name, colour in found}


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour, as WCAG 2 defines it."""
    digits = colour.removeprefix("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, as WCAG 2 defines it."""
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def pairs() -> Iterator[tuple[str, str]]:
    """Yield the colours of texts and of what is behind them."""
    for scheme in ("light", "dark"):
        named = colours(scheme)
        for text in ("ink", "soft", "accent", "good", "bad", "open"):
            for behind in ("page", "card"):
                yield named[text], named[behind]
    for behind in COLOURS:
        yield "#fff", behind


def test_texts_stand_out_as_wcag_asks() -> None:
    assert len(list(pairs())) == 29
    assert min(contrast(*pair) for pair in pairs()) >= 4.5


def test_the_badge_says_the_level_in_words_and_to_a_screen_reader() -> None:
    badge = ElementTree.fromstring(as_badge(assess({})))
    assert badge.get("aria-label") == "MLOps: level 0"
    assert "level 0" in [one.text for one in badge.iter("{http://www.w3.org/2000/svg}text")]


def test_a_file_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    for option in ("--html", "--badge"):
        said = refused("assess", option, tmp_path / "none" / "a", cwd=tmp_path)
        assert said.count("\n") == 1
        assert "cannot be written: No such file or directory" in said


@pytest.mark.parametrize("level", range(5))
def test_a_level_that_is_not_reached_is_an_exit_code(level: int, tmp_path: Path) -> None:
    found = call("assess", "--json", "--min-level", str(level), cwd=tmp_path)
    assert found.exit_code == (1 if level else 0)
    assert json.loads(found.stdout)["level"] == 0
    assert found.stderr == (f"error: level 0 is below {level}\n" if level else "")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--min-level", "5"], "5 is not in the range 0<=x<=4"),
        (["--min-level", "two"], "'two' is not a valid integer"),
        (["--rubric", "aws"], "'aws' is not 'zoomcamp'"),
        (["--json", "--sarif"], "--json and --sarif exclude each other"),
    ],
)
def test_values_that_are_none_are_named(arguments: list[str], named: str, tmp_path: Path) -> None:
    assert named in refused("assess", *arguments, cwd=tmp_path, code=2)


def test_a_folder_that_may_not_be_listed_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mlops_ladder.inspection.walk.os.scandir", refuse)
    assert refused("assess", ".", cwd=tmp_path) == "error: . cannot be read: Permission denied\n"


def test_a_path_that_is_no_folder_or_may_not_be_read_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    os.symlink("nowhere", tmp_path / "link")
    for path, named in (
        ("none", "none does not exist"),
        ("file", "file is a file"),
        ("link", "link does not exist"),
        ("a\nb\x1b[31m", "does not exist"),
        ("x" * 300, "cannot be read: File name too long"),
    ):
        said = refused("assess", path, cwd=tmp_path)
        assert said.startswith("error: ")
        assert said.count("\n") == 1
        assert "\x1b" not in said
        assert named in said

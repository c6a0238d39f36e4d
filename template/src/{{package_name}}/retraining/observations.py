"""Days of the prediction log: which of them count, how models did on them, and what they teach.

Days are those of UTC, by the time of the prediction. They are read one at a time into typed
columns. Of many rows a share is read, drawn by a hash of their ids: the same rows each time.
"""

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import func

from .. import problem
from ..dataset import split_rows, validate_rows
from ..deployment.schema import row_schema
from ..errors import UserError, describe_error
from ..evaluate import row_scores, slice_masks
from ..monitoring import production
from ..monitoring.profile import Profile, stability_index
from ..pipelines.parameters import read_params
from ..predict import predict
from ..serving.store import OUTCOMES, Store, from_json
from ..serving.tables import feedback, predictions
from .coverage import LeftOut, counts
from .decisions import WINDOW, scored
from .detector import adjusted, residuals
from .policy import Policy
from .state import ALL, Day, Reference, State, midnight

MOST_SCORED = 100_000  # rows of a day: more tell its mean no better, beside how days differ
AT_ONCE = 10_000  # rows that are objects before they are typed columns
MOST_UNFIT = 0.01  # of a day's rows: so many are dropped, more are a broken feed
UNFIT_SHOWN = 3
SHUFFLES = 50
CLEAR = 3.0  # standard deviations by which predictions beat their own shuffled ones
ROUNDING = 1e-9  # share of a sum that may be due to the order of its terms
EXPECTED = 2 * CLEAR  # what days before promise, for a day that does not to be suspicious

Answers = tuple[np.ndarray, np.ndarray]  # which rows are meant, and predictions; both (rows,)


@dataclass(frozen=True)
class Complete:
    """Rows with ground truth in the schema's types, and who predicted what; arrays are (rows,).

    They are a share of all, if there are too many. Of those read, `dropped` do not fit the schema.
    """

    date: date
    rows: pd.DataFrame
    served: np.ndarray
    versions: np.ndarray
    variants: np.ndarray
    share: float = 1.0
    dropped: int = 0
    unfit: str = ""  # why they do not fit

    @property
    def actual(self) -> np.ndarray:
        """Get the ground truth."""
        return self.rows[problem.TARGET].to_numpy()

    @property
    def read(self) -> int:
        """Get the number of rows that were read."""
        return len(self.rows) + self.dropped

    @property
    def whole(self) -> float:
        """Get the number of rows of which these are a share."""
        return len(self.rows) / self.share


@dataclass(frozen=True)
class Taught:
    """Rows to learn from, the day of each as datetime64[D], and of how many they are a sample."""

    rows: pd.DataFrame
    days: np.ndarray
    of: int = 0


NOTHING = Taught(pd.DataFrame(), np.array([], "datetime64[D]"))


def loss_of_rows(actual: np.ndarray, predicted: np.ndarray, rows: pd.DataFrame) -> np.ndarray:
    """Return the score of each row, its sign changed where higher scores are better; (rows,)."""
    scores = row_scores(actual, predicted, rows)
    return scores if problem.LOWER_IS_BETTER else -scores


def look_at(
    store: Store,
    day: date,
    policy: Policy,
    state: State,
    warm: Mapping[str, Any] | None = None,
    most: int = MOST_SCORED,
) -> LeftOut | Complete:
    """Return about `most` of the day's rows if they can be trusted; else why it does not count."""
    known = counts(store, day)[1]
    complete = read_day(store, day, share_of(known, most))
    if complete.dropped > MOST_UNFIT * complete.read:
        return LeftOut("guard", f"{complete.unfit}. Fix what sends the rows, or the ground truth")
    if known:
        complete = replace(complete, share=complete.read / known)
    return guarded(complete, partial(days_before, store, day, state), policy, state, warm or {})


def guarded(
    complete: Complete,
    earlier: Callable[[], list[Complete]],
    policy: Policy,
    state: State,
    warm: Mapping[str, Any],
) -> LeftOut | Complete:
    """Return the day if its data can be trusted, or why it does not count.

    A broken feed of rows or of ground truth looks like drift, and whoever learns from it learns
    nonsense; it is told from a champion that fails by the models in `warm`, if there are any,
    which then fail as well.
    """
    if complete.whole < policy.data.min_rows:
        reason = f"{complete.whole:.0f} rows with ground truth, fewer than {policy.data.min_rows}"
        return LeftOut("left out", f"{reason} (data: min_rows)")
    if not np.isfinite(loss_of_rows(complete.actual, complete.served, complete.rows)).all():
        reason = f"some ground truth or prediction has no {problem.METRIC}: fix the feed"
        return LeftOut("guard", reason)
    suspicion = off_level(complete, policy, state, warm)
    suspicion = suspicion or uninformed(complete, earlier, state, warm)
    return LeftOut("guard", suspicion) if suspicion else complete


def share_of(rows: int, most: int) -> float:
    """Return which share of the rows is to be read, so that they are about `most`."""
    return min(1.0, most / max(1, rows))


def read_day(store: Store, day: date, share: float) -> Complete:
    """Read a share of the day's rows with ground truth, and keep those that fit the schema."""
    nothing, read, silent, reasons = np.empty(0), 0, 0, list[str]()
    parts = [Complete(day, pd.DataFrame(), nothing, nothing, nothing)]
    with closing(logged_rows(store, day, share)) as batches:
        for logged in batches:
            rows, served = decoded(logged)
            fits = production.fitting_rows(rows.loc[served.index])
            unfit = rows.loc[served.index.difference(fits.index)[: UNFIT_SHOWN - len(reasons)]]
            reasons += [why_unfit(unfit.loc[[at]], logged["id"][at]) for at in unfit.index]
            read, silent = read + len(rows), silent + len(rows) - len(served)
            made_by = [logged[name][fits.index].to_numpy(str) for name in ("version", "variant")]
            values = np.asarray(served[fits.index].tolist())
            parts.append(Complete(day, fits, values, made_by[0], made_by[1], share))
    found = together(parts)
    dropped = read - len(found.rows)
    told = [f"{silent} of {read} rows were answered with no value"] if silent else []
    if dropped > silent:
        told += [f"{dropped - silent} of {read} rows violate problem.SCHEMA", *reasons]
    return replace(found, dropped=dropped, unfit="; ".join(told))


def logged_rows(store: Store, day: date, share: float) -> Generator[pd.DataFrame]:
    """Yield a share of the day's predictions with ground truth, some at a time, values as JSON."""
    query = production.within(OUTCOMES, midnight(day).timestamp(), production.DAY)
    query = query.where(feedback.c.time.is_not(None)).order_by(predictions.c.time, predictions.c.id)
    with store.transaction() as connection:
        if share < 1:
            if connection.dialect.name == "sqlite":  # PostgreSQL has this function
                driver: Any = connection.connection.driver_connection
                driver.create_function("hashtextextended", 2, hash_of, deterministic=True)
            drawn = func.hashtextextended(predictions.c.id, 0)
            query = query.where(drawn < int((2 * share - 1) * 2**63))
        result = connection.execute(query, execution_options={"yield_per": AT_ONCE})
        for some in result.partitions():
            logged = pd.DataFrame(some, columns=[*result.keys()], dtype=object)
            yield logged.rename(columns={"names": "format"})


def hash_of(text: str, _: int) -> int:
    """Return a hash of 64 bits that is independent of the one that assigns experiments."""
    digest = blake2b(text.encode(), digest_size=8, person=b"sample").digest()
    return int.from_bytes(digest, "big", signed=True)


def decoded(logged: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Return the rows with ground truth, and the predictions that are not null; all are objects."""
    rows = production.decode_rows(logged, {one: from_json(one) for one in set(logged["format"])})
    actual, served = (
        pd.Series(from_json(f"[{','.join(logged[name])}]"), dtype=object)
        for name in ("actual", "prediction")
    )
    return rows.assign(**{problem.TARGET: actual}), served.dropna()


def why_unfit(row: pd.DataFrame, name: str) -> str:
    """Return why the row does not fit the schema."""
    try:
        validate_rows(row.set_axis([name]))
    except UserError as error:
        return str(error).splitlines()[-1].strip()
    return f"row {name} does not fit beside the others"


def off_level(
    complete: Complete, policy: Policy, state: State, warm: Mapping[str, Any]
) -> str | None:
    """Return why the level of the ground truth cannot be believed: no drift moves it so far."""
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
        f"ground truth is {np.exp(shifts[0]):.3g} times what was predicted, where a factor of "
        f"{policy.data.max_shift:g} is the most that is believed (data: max_shift). Find out "
        "whether rows or ground truth have changed their unit; if the world has, raise the limit"
    )


def uninformed(
    complete: Complete,
    earlier: Callable[[], list[Complete]],
    state: State,
    warm: Mapping[str, Any],
) -> str | None:
    """Return why ground truth cannot belong to its rows: predictions might as well be shuffled.

    That says something only where they used to be better than shuffled ones. How clearly they
    must be follows from the days before: evidence grows with the root of the number of rows.
    """
    shown = [information(*pair) for pair in believable(complete, state, warm)]
    if not all(abs(value) < CLEAR for value in shown):  # plainly wrong ones are of these rows
        return None
    days = earlier()
    if not any(len(day.rows) for day in days):
        return None
    before = together(days)
    root = np.sqrt(len(complete.rows) / len(before.rows))
    expected = information(before.actual, before.served, before.rows) * root
    if not expected > EXPECTED:
        return None
    return (
        f"predictions are {shown[0]:.1f} standard deviations better than shuffled ones, where "
        f"{expected:.1f} are usual: ground truth is not that of its rows. Fix what sends it"
    )


def days_before(store: Store, day: date, state: State) -> list[Complete]:
    """Return the days of a window before the day, with about `MOST_SCORED` rows in all."""
    first, last = day - timedelta(days=WINDOW), day - timedelta(days=1)
    known = known_rows(store, first, last, state.refused)
    share = share_of(sum(known.values()), MOST_SCORED)
    return [read_day(store, one, share) for one in known]


def known_rows(store: Store, first: date, last: date, refused: Collection[date]) -> dict[date, int]:
    """Count the rows with ground truth of each day that has any, but for the refused days."""
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    found = {day: counts(store, day)[1] for day in days if day not in refused}
    return {day: known for day, known in found.items() if known}


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


def information(actual: np.ndarray, predicted: np.ndarray, rows: pd.DataFrame) -> float:
    """Return by how many standard deviations predictions beat the same ones, shuffled.

    NaN where their order does not matter, such as when all are equal.
    """
    rng = np.random.default_rng(0)
    shuffled = [
        loss_of_rows(rng.permutation(actual), predicted, rows).mean() for _ in range(SHUFFLES)
    ]
    mean, spread = float(np.mean(shuffled)), float(np.std(shuffled, ddof=1))
    if spread <= ROUNDING * abs(mean):
        return np.nan
    return (mean - float(loss_of_rows(actual, predicted, rows).mean())) / spread


def mean_residual(
    actual: np.ndarray, predicted: np.ndarray, rows: pd.DataFrame, reference: Reference
) -> float:
    """Return the mean of the residuals, in units of the reference."""
    losses = loss_of_rows(actual, predicted, rows)
    return float(residuals(actual, predicted, losses, reference).mean())


def together(days: Sequence[Complete]) -> Complete:
    """Return several days as one, with the date of the last; those without rows are left out."""
    days = [day for day in days if len(day.rows)] or days[-1:]
    rows = pd.concat([day.rows for day in days], ignore_index=True)
    return Complete(
        date=days[-1].date,
        rows=rows,
        served=np.concatenate([day.served for day in days]),
        versions=np.concatenate([day.versions for day in days]),
        variants=np.concatenate([day.variants for day in days]),
        share=len(rows) / sum(day.whole for day in days) if len(rows) else 1.0,
    )


def measure(
    complete: Complete,
    models: Mapping[str, Any],
    state: State,
    policy: Policy,
    profile: Profile | None = None,
) -> Day:
    """Return how well each model did on the day, and how far its rows are from the profile's.

    Besides the models, given by role, stands the constant that would have been the best of that
    very day. A role without a prediction, or with one whose score is no number, is left out.
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
    fields = row_schema(problem.SCHEMA, problem.TARGET).fields
    return Day(
        date=complete.date,
        rows=round(complete.whole),
        residual=mean_residual(
            complete.actual[own], answers[own], complete.rows[own], state.champion.reference
        ),
        losses=losses,
        counts=counts,
        drift=stability_index(profile, production.columns_of(complete.rows, fields))
        if profile
        else {},
    )


def in_replay(complete: Complete, models: Mapping[str, Any], state: State) -> dict[str, Answers]:
    """Return what each model predicts for all rows; the champion as it was served, where it was."""
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
    """Return what each version predicted for the rows that it served, if it served any."""
    own = {role: complete.versions == version for role, version in scored(state).items()}
    found = {role: (rows, complete.served) for role, rows in own.items() if rows.any()}
    if "champion" not in found:
        every = np.full(len(complete.rows), True)
        found["champion"] = every, predict(models["champion"], complete.rows)
    return found


def training_rows(
    store: Store,
    first: date,
    through: date,
    policy: Policy,
    refused: Collection[date] = (),
    most: int | None = None,
) -> Taught:
    """Return rows with ground truth from `first` to `through`, but for the refused days.

    Of each day it is the same share, so that they are about `most`, by default the policy's
    `max_rows`. Days before the first in the log come from `problem.load`, which the policy may
    also name as the only source. Without a time in them, all of its rows count as of the first
    day, and rows that judge other models, as `dataset.split_rows` says, teach nothing.
    """
    known = known_rows(store, first, through, refused) if policy.data.source == "log" else {}
    began, loaded = min(known, default=through + timedelta(days=1)), NOTHING
    if first < began or problem.TIME is None:
        # Even if none of its rows teach: where a row belongs depends on the order of its columns.
        loaded = loaded_rows(first, began, refused)
    total = len(loaded.days) + sum(known.values())
    if not total:
        raise UserError(
            f"there are no rows with ground truth from {first} to {through}. Send it to /feedback, "
            "or let problem.py load newer rows"
        )
    share = share_of(total, most or policy.data.max_rows)
    logged = [read_day(store, day, share) for day in known]
    if sum(day.dropped for day in logged) > MOST_UNFIT * sum(day.read for day in logged):
        worst = max(logged, key=lambda day: day.dropped)
        raise UserError(f"the prediction log of {worst.date} cannot teach: {worst.unfit}")
    taught = sampled(loaded, logged, share)
    rows = taught.rows
    if problem.TIME is None:
        rows = split_rows(rows, read_params().split.test_share).train
    return Taught(rows.reset_index(drop=True), taught.days[rows.index], total)


def sampled(loaded: Taught, logged: Sequence[Complete], share: float) -> Taught:
    """Return a share of the loaded rows, followed by the days of the log, of which it was read."""
    drawn = np.random.default_rng(0).random(len(loaded.days)) < share
    tables = [loaded.rows[drawn], *[day.rows for day in logged]]
    rows = pd.concat([one for one in tables if len(one.columns)], ignore_index=True)
    of_logged = [np.full(len(day.rows), day.date, "datetime64[D]") for day in logged]
    return Taught(rows, np.concatenate([loaded.days[drawn], *of_logged]))


def loaded_rows(first: date | None, end: date | None, refused: Collection[date] = ()) -> Taught:
    """Return the rows of `problem.load` from `first` up to, but without, `end`, if they are given.

    Without a time in the rows, all count as of `first`.
    """
    try:
        rows = problem.load(first, end)
    except Exception as error:  # a database or a cloud store raises errors of its own
        raise UserError(f"problem.py: load() failed: {describe_error(error)}") from error
    if rows.empty:
        return NOTHING
    rows = validate_rows(rows)
    if problem.TIME is None:
        return Taught(rows, np.full(len(rows), first, "datetime64[D]"))
    times = pd.to_datetime(rows[problem.TIME], utc=True).dt.tz_localize(None)
    days = times.to_numpy().astype("datetime64[D]")
    taught = ~np.isin(days, np.array(list(refused), "datetime64[D]"))
    if first is not None:
        taught &= days >= np.datetime64(first)
    if end is not None:
        taught &= days < np.datetime64(end)
    return Taught(rows[taught], days[taught])

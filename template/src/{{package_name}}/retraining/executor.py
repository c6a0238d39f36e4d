"""The engine's orders carried out: training, promotion and rollback.

Each can be carried out again, if it was cut off in the middle: what is there already stays.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from typing import Any, NamedTuple

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from .. import problem
from ..dataset import Split, load_rows, split_rows, validate_rows
from ..deployment.deploy import deploy, held_out_rows
from ..deployment.rollback import rollback
from ..errors import UserError
from ..experiments.plan import Experiment
from ..lineage import data_version, git_commit
from ..monitoring.profile import PROFILE, read_profile
from ..pipelines import registry, steps
from ..pipelines.parameters import read_params
from ..pipelines.tracking import NAME, tracking_store
from ..pipelines.training import log_origin
from ..predict import predict
from ..serving.bundle import BusyError, bundle_folder
from .candidates import candidate, in_sample_reference, recalibrated, retrained, unseen
from .coverage import gap
from .decisions import WINDOW
from .observations import (
    MOST_SCORED,
    Complete,
    Taught,
    look_at,
    loss_of_rows,
    measure,
    together,
    training_rows,
)
from .site import Site, serving_version
from .state import Day, Fit, Model, Reference, State

ORIGIN = ("data_version", "trained_until", "git_commit")
MODELS_KEPT = 8  # in memory: who is scored today is mostly who was yesterday


class UntrainableError(UserError):
    """Nothing can be learned from these rows, now or later."""


class Fitted(NamedTuple):
    """Challengers by role, how they did on the days held out, and what each was made from."""

    candidates: dict[str, Model]
    holdout: Day | None
    origins: dict[str, dict[str, str]]


@lru_cache(maxsize=MODELS_KEPT)
def model_of(run_id: str, number: str) -> Any:
    """Return the model of a run, registered under that number: it never changes."""
    with tracking_store() as client:
        return registry.load_model(client.get_model_version(NAME, number))


def models(versions: Mapping[str, str]) -> dict[str, Any]:
    """Return the models of versions, by role."""
    with tracking_store() as client:
        found = {role: client.get_model_version(NAME, one) for role, one in versions.items()}
        return {role: model_of(str(one.run_id), str(one.version)) for role, one in found.items()}


def champion_of(site: Site) -> tuple[Model, dict[str, str]]:
    """Return the version that serves, its usual residuals, and where it comes from."""
    number = serving_version(site.release)
    with tracking_store() as client:
        version = client.get_model_version(NAME, number)
        model = model_of(str(version.run_id), number)
    params = read_params()
    rows = validate_rows(load_rows(params.data.start, params.data.end))
    parts = split_rows(rows, params.split.test_share)
    reference = usual_at_training(model, parts)
    deployed = datetime.fromisoformat(site.release.time).date()
    origin = {name: version.tags[name] for name in ORIGIN if name in version.tags}
    through = learned_through(version) or deployed - timedelta(days=1)
    first = None if problem.TIME is None else parts.train[problem.TIME].min().date()
    return Model(number, through, reference, first), {**origin, "version": number}


def usual_at_training(model: Any, parts: Split) -> Reference:
    """Return what residuals were on the last days that the model learned from.

    Without times there are no days, and a model that gives labels knows its own rows too well:
    then the first days in production tell what is usual.
    """
    fresh = parts.test
    actual, predicted = fresh[problem.TARGET].to_numpy(), predict(model, fresh)
    blank = unseen(model.estimator, actual, predicted, loss_of_rows(actual, predicted, fresh))
    if problem.TIME is None or blank.kind == "loss":
        return blank
    days = parts.train[problem.TIME].to_numpy().astype("datetime64[D]")
    last = days > days.max() - np.timedelta64(WINDOW, "D")
    return in_sample_reference(model, Taught(parts.train[last], days[last]), None)


def learned_through(version: ModelVersion) -> date | None:
    """Return the last day that the version has learned from, if its tags say it."""
    told = version.tags.get("through") or version.tags.get("trained_until")
    return datetime.fromisoformat(told).date() if told else None


def day_measured(site: Site, state: State, complete: Complete, by_role: Mapping[str, Any]) -> Day:
    """Return the day for the engine, with how far its rows are from what the champion knows."""
    profile = read_profile(bundle_folder(site.live, site.release.champion) / PROFILE)
    return measure(complete, by_role, state, site.policy, profile)


def fit(site: Site, state: State, order: Fit) -> Fitted:
    """Train and register the challengers, or find those that the same order has made before.

    Raises
    ------
    UntrainableError
        The rows cannot teach a model, or there is nothing to judge it by.
    """
    params = read_params()
    try:
        taught = training_rows(site.store, order.first, order.through, site.policy, state.refused)
    except UserError as error:
        raise UntrainableError(str(error)) from error
    tags = {
        "data_version": data_version(taught.rows),
        "git_commit": git_commit(),
        "trained_until": registry.trained_until(taught.rows),
        "test_share": str(params.split.test_share),
        "through": order.through.isoformat(),
    }
    used = f"{len(taught.rows)} of {taught.of}"
    candidates, origins = {}, {}
    for role in order.roles:
        key = f"{state.trial.started if state.trial else state.day}/{role}/{order.through}"
        mine = {**tags, "role": role, "loop_key": key}
        version = known_version(mine)
        if version is None:
            model = trained(role, site, state, order, taught, params.model)
            if model is None:
                continue
            version = register(model, mine, taught)
        load = partial(model_of, str(version.run_id))
        number = str(version.version)
        candidates[role] = candidate(role, number, load, order, taught, state.champion)
        origins[role] = {**mine, "version": number, "rows": used}
    return Fitted(candidates, holdout_of(site, state, order, candidates), origins)


def known_version(tags: Mapping[str, str]) -> ModelVersion | None:
    """Return the version that the same order has made from the same rows, if it has."""
    wanted = " and ".join(
        f"tags.{name} = '{tags[name]}'" for name in ("loop_key", "data_version", "git_commit")
    )
    with tracking_store() as client:
        found = client.search_model_versions(f"name = '{NAME}' and {wanted}")
    return found[0] if found else None


def trained(
    role: str, site: Site, state: State, order: Fit, taught: Taught, params: Mapping[str, Any]
) -> Any | None:
    """Return the challenger of that role; None if the champion's kind cannot have one."""
    reference, weight = state.champion.reference, site.policy.data.old_rows_weight
    if role == "recalibrated" and order.change is not None:
        champion = models({"champion": state.champion.version})["champion"]
        return recalibrated(champion, order.change.shift, reference)
    try:
        return retrained(taught, order.change, reference, weight, params)
    except UserError as error:
        raise UntrainableError(str(error)) from error


def register(model: Any, tags: Mapping[str, str], taught: Taught) -> ModelVersion:
    """Register the model as a new version."""
    parts = Split(train=taught.rows, test=taught.rows.tail(100))
    with tracking_store() as client, mlflow.start_run(run_name=tags["loop_key"]):
        log_origin(dict(tags), parts)
        version = steps.register(client, model, parts)
        for name in ("role", "through", "loop_key"):  # by the last one it is found again
            client.set_model_version_tag(NAME, version.version, name, tags[name])
        return version


def holdout_of(site: Site, state: State, order: Fit, candidates: Mapping[str, Model]) -> Day | None:
    """Measure the challengers beside the champion on the days held out, as one day."""
    if not order.holdout or not candidates:
        return None
    days = [order.through + timedelta(days=number + 1) for number in range(order.holdout)]
    whole = [day for day in days if not gap(site.store, day, site.now, site.policy, state)]
    most = MOST_SCORED // max(1, len(whole))
    found = [look_at(site.store, day, site.policy, state, most=most) for day in whole]
    complete = [day for day in found if isinstance(day, Complete)]
    if not complete:
        raise UntrainableError(
            f"no day from {days[0]} to {days[-1]} has predictions with ground truth, by which a "
            "challenger could be judged. Serve, and send ground truth to /feedback; to train "
            "without that, run make pipeline promote deploy"
        )
    roles = {"champion": state.champion.version}
    roles |= {role: one.version for role, one in candidates.items()}
    # Nobody but the champion has answered anything yet.
    policy = site.policy.model_copy(update={"evidence": "replay"})
    return measure(together(complete), models(roles), state, policy)


def held_out(site: Site, state: State, version: ModelVersion) -> Split:
    """Return rows that the version learned from, and rows to prove its bundle by; not too many.

    Those are newer, if there are any: a challenger that answers its share of the requests has
    just been trained, and all that is to be shown is that its bundle predicts what it does.
    """
    through = version.tags.get("through")
    if through is None:
        return held_out_rows(version)
    last = date.fromisoformat(through)
    first = last - timedelta(days=WINDOW - 1)
    rows = partial(
        training_rows, site.store, policy=site.policy, refused=state.refused, most=MOST_SCORED
    )
    taught = rows(first, last)
    try:
        fresh = rows(last + timedelta(days=1), state.day).rows
    except UserError:  # there are none
        fresh = taught.rows[taught.days == taught.days.max()]
    return Split(train=taught.rows, test=fresh)


def put_live(site: Site, state: State, experiment: Experiment) -> None:
    """Deploy the registry's champion, and who the experiment names beside it."""
    deploy(site.live, partial(held_out, site, state), experiment, site.now)


def promote(site: Site, state: State, model: Model) -> str | None:
    """Make the version the champion, and put it live; return why it may not, if it may not.

    Raises
    ------
    BusyError
        Another process is changing the release.
    """
    with tracking_store() as client:
        crown(client, model.version)
        try:
            put_live(site, state, Experiment())
        except BusyError:
            crown(client, state.champion.version)
            raise
        except UserError as refusal:
            crown(client, state.champion.version)
            return str(refusal)
    return None


def go_back(site: Site, state: State, model: Model) -> None:
    """Make the version the champion again, and put it live alone."""
    with tracking_store() as client:
        crown(client, model.version)
    try:
        rollback(site.live, model.version, site.now)
    except BusyError:
        raise
    except UserError:  # its bundle is gone or damaged: a new one is made
        put_live(site, state, Experiment())


def crown(client: MlflowClient, number: str) -> None:
    """Give the version the champion's alias."""
    client.set_registered_model_alias(NAME, registry.CHAMPION, number)


def arrange(site: Site, state: State, wanted: Experiment | None) -> None:
    """Let the experiment run beside the champion, and no other."""
    with tracking_store() as client:
        crown(client, state.champion.version)
    put_live(site, state, wanted or Experiment())

"""The policy at work: from what is known and a new day to what comes next. Nothing is done here.

Each function takes a state and returns a `Step`: the next state, and the decisions that led to it.
What is to be done in the world stands in `state.pending`; whoever does it answers with `fitted`,
`promoted`, `not_promoted` or `went_back`. So the same lines decide in production, in the
simulation, and in a thousand simulated years of a test.
"""

import dataclasses
from datetime import date, timedelta
from typing import Any

import numpy as np
from msgspec.structs import replace

from ..monitoring.profile import NOTABLE
from .detector import (
    adjusted,
    alarmed,
    asked,
    band_of,
    change_in,
    deviation,
    level_of,
    reference_of,
    side_of,
    smallest_findable,
    squares_of,
    updated,
)
from .policy import Policy, Proof
from .promotion_gate import (
    Proven,
    daily_losses,
    failing,
    objections,
    proof_of,
    worse_by,
)
from .state import (
    ALL,
    Change,
    Day,
    Decision,
    Fit,
    GoBack,
    Model,
    Promote,
    Reference,
    State,
    Step,
    Trial,
    Watch,
    Why,
)

WINDOW = 28  # days: four of each weekday, by which noise is measured
FEWEST_DAYS = 14  # that a challenger is trained on, when there is no hurry
FEWEST_DAYS_TO_REFINE = 3
GROWN = 1.5  # times the days of the new level that a challenger knew: then it is trained anew
MONTH = 30
WEEK = 7
PSI_NOISE = 20.0  # divided by the rows of a day: what PSI is without any change, at most
FEATURES_NAMED = 3  # of those that have moved, as what may explain an alarm


def begin(champion: Model, day: date, policy: Policy) -> Step:
    """Return the step after which the champion serves, and `day` is processed."""
    state = State(
        champion=champion,
        trusted=champion,
        since=day,
        day=day,
        squares=champion.reference.squares,
        freedom=champion.reference.freedom,
    )
    words = f"version {champion.version} is the champion; {readiness(state, policy)}"
    return Step(state, [Decision("begun", words)])


def readiness(state: State, policy: Policy) -> str:
    """Return what the detector can find, in words, or how long it has to calibrate."""
    if not state.freedom:
        return f"{policy.detector.calibration_days} days tell first what is usual"
    band = band_of(state.champion.reference, state.squares, state.freedom, policy.detector)
    found = smallest_findable(band, policy.detector)
    return f"a lasting shift of {found:.1%} is found within 30 days, a larger one sooner"


def scored(state: State) -> dict[str, str]:
    """Return the versions to be scored on the next day, by role."""
    roles = {"champion": state.champion.version}
    if state.watch:
        roles |= {role: model.version for role, model in state.watch.warm.items()}
    if state.trial:
        roles |= {role: one.version for role, one in state.trial.candidates.items()}
    return roles


def advance(state: State, day: Day, policy: Policy) -> Step:
    """Process one more complete day, whose data can be trusted."""
    moved = moved_overnight(state, day, policy)
    if moved:
        return held(state, day, moved)
    state = replace(state, held=[], drifts=[*state.drifts, day.drift][-WEEK:])
    state, decisions = decided(state, day, policy)
    today = {"day": day.date.isoformat()}
    return Step(state, [replace(one, evidence=today | one.evidence) for one in decisions])


def moved_overnight(state: State, day: Day, policy: Policy) -> dict[str, float]:
    """Return the features that moved farther in a day than a world does, with their PSI.

    A broken feed changes its inputs from one day to the next; drift takes longer, and is heard.
    """
    limit = policy.data.max_overnight_psi + PSI_NOISE / day.rows
    moved = {}
    for name, psi in day.drift.items():
        before = [drift[name] for drift in state.drifts if name in drift]
        if before and psi - max(before) > limit:
            moved[name] = psi
    return moved


def held(state: State, day: Day, moved: dict[str, float]) -> Step:
    """Hold a day whose inputs are suspect: nothing is learned from it until it is confirmed."""
    named = ", ".join(f"{name} (PSI {psi:.2g})" for name, psi in moved.items())
    words = (
        f"{day.date}: inputs moved overnight: {named}. Nothing is trained or promoted from such a "
        "day. Fix the feed; if the world has changed, confirm it with make retrain"
    )
    state = replace(
        state,
        day=day.date,
        held=[*state.held, day.date],
        refused=[*state.refused, day.date][-MONTH * 3 :],
    )
    return Step(state, [Decision("held", words, {"moved": moved, "drift": day.drift})])


def decided(state: State, day: Day, policy: Policy) -> tuple[State, list[Decision]]:
    """Return what the day leads to: watch and alarm first, then trial, then schedule."""
    state = counted(state, day)
    state, decisions = watched(state, day, policy)
    if state.pending:
        return state, decisions
    special = policy.calendar.special(day.date)
    if special:
        words = f"{special}: it raises no alarm and proves nothing"
        return state, [*decisions, Decision("quiet", words)]
    state, found = listened(state, day, policy)
    decisions += found
    if not (state.trial and state.trial.why == "drift") and alarming(state, policy):
        state, decision = answered(state, day, policy)
        decisions.append(decision)
    if state.trial:
        state, found = tried(state, day, policy)
        decisions += found
    elif state.pending is None:
        state, found = scheduled(state, policy)
        decisions += found
    if not decisions:
        decisions = [Decision("quiet", quiet_words(state, day), {"residual": day.residual})]
    return state, decisions


def counted(state: State, day: Day) -> State:
    """Return the state with the day's rows counted."""
    volume = 0.9 * state.volume + 0.1 * day.rows if state.volume else float(day.rows)
    trained, requested = (
        [one for one in days if (day.date - one).days < MONTH]
        for days in (state.trained, state.requested)
    )
    return replace(
        state,
        day=day.date,
        rows=state.rows + day.rows,
        volume=volume,
        trained=trained,
        requested=requested,
    )


def watched(state: State, day: Day, policy: Policy) -> tuple[State, list[Decision]]:
    """Return what the watch over a new champion decides after the day."""
    if state.watch is None:
        return state, []
    watch = replace(state.watch, days=[*state.watch.days, day])
    state = replace(state, watch=watch)
    for role, model in watch.warm.items():
        why = failing(watch.days, role, policy.rollback)
        if why is not None:
            return going_back(state, f"{why}, beside version {model.version}")
    if len(watch.days) < policy.rollback.watch_days:
        return state, []
    words = f"version {state.champion.version} came through {len(watch.days)} days of watch"
    return replace(state, watch=None, trusted=state.champion), [Decision("trusted", words)]


def going_back(state: State, why: str) -> tuple[State, list[Decision]]:
    """Return the state in which the best warm model is to come back; a trial ends here."""
    assert state.watch is not None  # there is nothing to go back to without
    target = min(state.watch.warm, key=lambda role: total_loss(state.watch, role))
    model = state.watch.warm[target]
    words = f"version {state.champion.version} is {why}: back to version {model.version}"
    days = {day.date.isoformat(): losses_in_all(day) for day in state.watch.days}
    back = replace(state, trial=None, pending=GoBack(model, why))
    return back, [Decision("rollback", words, {"days": days})]


def total_loss(watch: Watch | None, role: str) -> float:
    """Return how much worse than the champion a warm model did in total."""
    champion, warm = daily_losses(watch.days if watch else [], role)
    return float(warm.sum() - champion.sum())


def losses_in_all(day: Day) -> dict[str, float]:
    """Return the mean loss over all rows, by role."""
    return {role: losses[ALL] for role, losses in day.losses.items()}


def listened(state: State, day: Day, policy: Policy) -> tuple[State, list[Decision]]:
    """Return what the detector knows after the day; after an alarm it is not updated."""
    reference = state.champion.reference
    if not (reference.days and state.freedom):
        return calibrated(state, day, policy)
    residual = adjusted(day.residual, day.date, reference)
    state = replace(state, recent=[*state.recent, (day.date, residual)][-WINDOW:])
    why = state.trial.why if state.trial else None
    if why == "drift":
        return state, []
    band = band_of(reference, state.squares, state.freedom, policy.detector)
    state = replace(state, statistic=updated(state.statistic, residual, band))
    return (state if why == "refine" else with_noise(state, residual)), []


def calibrated(state: State, day: Day, policy: Policy) -> tuple[State, list[Decision]]:
    """Return the state with one more day of calibration; with enough, with the reference."""
    recent = [*state.recent, (day.date, day.residual)]
    if len(recent) < policy.detector.calibration_days:
        return replace(state, recent=recent), []
    reference = reference_of(state.champion.reference, dict(recent))
    champion = replace(state.champion, reference=reference)
    state = replace(
        state,
        champion=champion,
        trusted=champion if state.trusted == state.champion else state.trusted,
        recent=[],
        squares=state.squares + reference.squares,
        freedom=state.freedom + reference.freedom,
    )
    return state, [Decision("begun", f"what is usual is known; {readiness(state, policy)}")]


def with_noise(state: State, residual: float) -> State:
    """Return the state with one more quiet day; each full window adds to the noise estimate."""
    quiet = [*state.quiet, residual]
    if len(quiet) < WINDOW:
        return replace(state, quiet=quiet)
    squares = state.squares + squares_of(np.array(quiet) - np.mean(quiet))
    return replace(state, quiet=[], squares=squares, freedom=state.freedom + WINDOW - 2)


def alarming(state: State, policy: Policy) -> bool:
    """Return whether the detector's evidence calls for a retraining."""
    heard = bool(state.statistic) and alarmed(state.statistic, policy.detector, changed(state))
    return heard and policy.triggers.performance


def changed(state: State) -> bool:
    """Return whether the champion is new, and followed a change: drift may go on."""
    if state.change is None or days_since(state.change, state.day) > 2 * WINDOW:
        return False
    return (state.day - state.since).days <= WINDOW


def answered(state: State, day: Day, policy: Policy) -> tuple[State, Decision]:
    """Return what follows an alarm: a trial of challengers on the new level, or why not."""
    change = change_in(state.recent, side_of(state.statistic))
    evidence = {
        "evidence": sum(state.statistic) / len(state.statistic),
        "threshold": asked(policy.detector, changed(state)),
        "change": change.day.isoformat(),
        "shift": change.shift,
        "noise": deviation(state.squares, state.freedom),
        "drift": day.drift,
    }
    since = f"residuals are {change.shift:+.1%} away since {change.day}{explanation(day)}"
    objection = barred(state, policy, "drift")
    if objection:
        return state, Decision("alarm refused", f"{since}; but {objection}", evidence)
    state = begun(state, Trial("drift", state.day, change))
    return replace(state, statistic=[]), Decision("alarm", since, evidence)


def explanation(day: Day) -> str:
    """Return which features have moved, if it is known, the farthest first."""
    farthest = sorted(day.drift, key=lambda name: day.drift[name], reverse=True)
    moved = [name for name in farthest if day.drift[name] >= NOTABLE][:FEATURES_NAMED]
    if moved:
        return f"; features have moved, too: {', '.join(moved)}"
    return "; features have not moved" if day.drift else ""


def begun(state: State, trial: Trial) -> State:
    """Return the state in which the trial runs, in place of another one."""
    return replace(state, trial=trial, quiet=[], last_trial=state.day)


def barred(state: State, policy: Policy, why: Why) -> str | None:
    """Return what forbids a new retraining today, in words; None if nothing does."""
    stopped = stopping(acted_on(state), policy)
    if stopped:
        return stopped
    if state.muted and state.day <= state.muted:
        return f"the cooldown lasts until {state.muted} (limits: cooldown_days)"
    return exhausted(state, policy, why)


def exhausted(state: State, policy: Policy, why: Why) -> str | None:
    """Return which limit on trainings is reached, in words. Those that failed do not count."""
    days, allowed, key = state.trained, policy.limits.max_trainings_per_month, "trainings"
    if why == "asked":
        days, allowed, key = state.requested, policy.limits.max_requests_per_month, "requests"
    if len(days) < allowed:
        return None
    return (
        f"{len(days)} trainings in {MONTH} days are all that are allowed "
        f"(limits: max_{key}_per_month)"
    )


def acted_on(state: State) -> date:
    """Return the earliest day on which what is decided now is done: the one after the last."""
    return state.day + timedelta(days=1)


def stopping(day: date, policy: Policy) -> str | None:
    """Return what forbids any training and promotion on the day, in words, or None."""
    if policy.pause:
        return "the policy is paused (pause: true)"
    for freeze in policy.calendar.freeze:
        if freeze.first <= day <= freeze.last:
            return f"{freeze.first} to {freeze.last} is frozen: {freeze.why}"
    return policy.calendar.special(day)


def tried(state: State, day: Day, policy: Policy) -> tuple[State, list[Decision]]:
    """Return what a running trial leads to: a promotion, an end, or what is trained next."""
    trial = state.trial
    assert trial is not None
    if trial.candidates:
        trial = replace(trial, days=[*trial.days, day])
    trial = with_shift(trial, state)
    state = replace(state, trial=trial)
    if not trial.candidates:
        return to_train(state, policy), []
    role, shown = best(trial, policy)
    evidence = {one: dataclasses.asdict(proven) for one, proven in shown.items()}
    stopped = stopping(acted_on(state), policy)
    if role is not None and not stopped:
        return to_promote(state, role, shown[role], evidence)
    if over(trial, day.date, policy):
        return ended(state, f"{len(trial.days)} days have shown no better model", evidence)
    if role is not None:
        words = f"{promotion_words(trial, role, shown[role])}, but {stopped}"
        return state, [Decision("refused", words, evidence)]
    lacks = "; ".join(f"{one}: {', '.join(proven.lacks)}" for one, proven in shown.items())
    return to_train(state, policy), [Decision("evidence", lacks, evidence)]


def with_shift(trial: Trial, state: State) -> Trial:
    """Return the trial with the champion's level on the last days since the change."""
    if trial.why != "drift" or trial.change is None:
        return trial
    first = trial.change.day
    since = [residual for day, residual in state.recent if day >= first]
    shift = level_of(since) if since else trial.change.shift
    return replace(trial, change=Change(first, shift))


def proof_for(trial: Trial, policy: Policy) -> Proof:
    """Return what has to be shown: after a drift, in few days."""
    fast = trial.why in ("drift", "refine")
    return policy.gates.drift if fast else policy.gates.schedule


def best(trial: Trial, policy: Policy) -> tuple[str | None, dict[str, Proven]]:
    """Return the challenger to promote, if one may be, and what each has shown and lacks."""
    proof, offline = proof_for(trial, policy), policy.gates.offline
    shown = {}
    for role in trial.candidates:
        proven = proof_of(*daily_losses(trial.days, role), proof)
        if proven.enough:
            against = objections(trial.days[-proven.days :], role, offline)
            proven = dataclasses.replace(proven, lacks=against)
        shown[role] = proven
    passing = [role for role, proven in shown.items() if proven.enough]
    return max(passing, key=lambda role: recent_gain(trial, role), default=None), shown


def recent_gain(trial: Trial, role: str) -> float:
    """Return the gain over the champion on the last day, when all challengers are newest."""
    champion, challenger = daily_losses(trial.days[-1:], role)
    return -worse_by(float(challenger.sum()), float(champion.sum()))


def to_promote(
    state: State, role: str, proven: Proven, evidence: dict[str, Any]
) -> tuple[State, list[Decision]]:
    """Return the state in which the challenger is to be promoted."""
    assert state.trial is not None
    words = promotion_words(state.trial, role, proven)
    pending = Promote(role, state.trial.candidates[role])
    return replace(state, pending=pending), [Decision("promotion", words, evidence)]


def promotion_words(trial: Trial, role: str, proven: Proven) -> str:
    """Return who is better, by how much, and for how long."""
    version = trial.candidates[role].version
    return f"version {version} ({role}) is {proven.gain:.1%} better in {proven.days} days"


def over(trial: Trial, day: date, policy: Policy) -> bool:
    """Return whether the trial has had its time."""
    if trial.why == "refine":
        assert trial.change is not None
        return days_since(trial.change, day) >= WINDOW
    return (day - trial.started).days >= proof_for(trial, policy).max_days


def ended(state: State, why: str, evidence: dict[str, Any]) -> tuple[State, list[Decision]]:
    """Return the state after a trial that changed nothing."""
    words = f"version {state.champion.version} stays: {why}"
    over = replace(state, trial=None, statistic=[], quiet=[])
    return over, [Decision("expired", words, evidence)]


def days_since(change: Change, day: date) -> int:
    """Return how many days of the new level there are, the day included."""
    return (day - change.day).days + 1


def to_train(state: State, policy: Policy) -> State:
    """Return the state in which challengers are to be trained this evening, if any."""
    trial = state.trial
    if trial is None or trial.change is None or stopping(acted_on(state), policy):
        return state
    if policy.evidence == "split" and trial.candidates:
        return state
    if exhausted(state, policy, trial.why):
        return state
    after = days_since(trial.change, state.day)
    if trial.why == "refine" and trial.candidates:
        known = max(days_since(trial.change, one.through) for one in trial.candidates.values())
        if after < GROWN * known:
            return state
    refined = max(policy.data.min_days_after_change, FEWEST_DAYS_TO_REFINE)
    fewest = refined if trial.why == "refine" else policy.data.min_days_after_change
    roles = ["retrained"] if after >= fewest else []
    may_move = state.champion.reference.kind != "loss" and policy.evidence == "replay"
    if trial.why == "drift" and may_move:
        roles = ["recalibrated", *roles]
    if not roles:
        return state
    first = trial.change.day - timedelta(days=policy.data.days_before_change)
    if state.change and state.change.day < trial.change.day:
        first = max(first, state.change.day)
    return replace(state, pending=Fit(roles, first, state.day, trial.change))


def scheduled(state: State, policy: Policy) -> tuple[State, list[Decision]]:
    """Return the state in which a challenger is to be trained for its age or new rows."""
    why = due(state, policy)
    if why is None:
        return state, []
    objection = barred(state, policy, why)
    if objection:
        return state, [Decision("refused", f"{why}: {objection}")]
    return in_no_hurry(state, why, policy)


def due(state: State, policy: Policy) -> Why | None:
    """Return why a retraining is due, if one is and there are days enough to learn from."""
    triggers = policy.triggers
    age = (state.day - (state.last_trial or state.since)).days
    why: Why | None = None
    if triggers.schedule_days and age >= triggers.schedule_days:
        why = "schedule"
    elif triggers.new_rows and state.rows >= triggers.new_rows:
        why = "new rows"
    return why if why and enough_days(state, policy) else None


def enough_days(state: State, policy: Policy) -> bool:
    """Return whether enough days since the last change can be learned from and judged by."""
    if state.change is None:
        return True
    fewest = FEWEST_DAYS + policy.gates.offline.holdout_days
    return days_since(state.change, state.day) >= fewest


def in_no_hurry(state: State, why: Why, policy: Policy) -> tuple[State, list[Decision]]:
    """Return the state in which a challenger is to be trained, and the last days are held out."""
    holdout = policy.gates.offline.holdout_days
    first = first_of_history(state, policy)
    through = state.day - timedelta(days=holdout)
    state = begun(state, Trial(why, state.day))
    pending = Fit(["retrained"], first, through, None, holdout)
    words = f"{why}: a challenger learns from {first} to {through}"
    return replace(state, pending=pending, rows=0), [Decision("training", words)]


def first_of_history(state: State, policy: Policy) -> date:
    """Return the first day that a challenger in no hurry learns from: none before a change.

    It has what the champion had, and what came since. A shorter history would decide against it.
    """
    days = policy.data.history_days
    first = state.champion.first if days is None else None
    first = first or state.day - timedelta(days=(days or WINDOW) - 1)
    return max(first, state.change.day) if state.change else first


def ask(state: State, who: str, policy: Policy) -> Step:
    """Return what a request for a retraining leads to, outside of any schedule."""
    who, state = confirmed(state, who)
    objection = barred(state, policy, "asked")
    if state.trial:
        objection = f"a trial runs since {state.trial.started}"
    elif not enough_days(state, policy):
        objection = "there are too few days since the last change"
    if objection:
        return Step(state, [Decision("refused", f"{who} asked for a retraining: {objection}")])
    state, decisions = in_no_hurry(state, "asked", policy)
    return Step(state, [Decision("asked", f"{who} asked for a retraining"), *decisions])


def confirmed(state: State, who: str) -> tuple[str, State]:
    """Return the state in which days that were held teach like others, as somebody asked for."""
    if not state.held:
        return who, state
    refused = [day for day in state.refused if day not in state.held]
    said = f"{who} confirmed the inputs since {state.held[0]}, and"
    return said, replace(state, held=[], drifts=[], refused=refused)


def fitted(state: State, candidates: dict[str, Model], holdout: Day | None, policy: Policy) -> Step:
    """Take the trained challengers, if any; the `holdout` days judge them at once."""
    state, trial = replace(state, pending=None), state.trial
    assert trial is not None
    if not candidates:
        words = "nothing could be trained"
        if trial.change is None:
            state = replace(state, trial=None)
        return Step(state, [Decision("no training", words)])
    if trial.why == "asked":
        state = replace(state, requested=[*state.requested, state.day])
    else:
        state = replace(state, trained=[*state.trained, state.day])
    against = objections([holdout], "retrained", policy.gates.offline) if holdout else []
    named = ", ".join(f"version {one.version} ({role})" for role, one in candidates.items())
    if against:
        evidence = {"holdout": losses_in_all(holdout)} if holdout else {}
        state = replace(state, trial=None) if trial.change is None else state
        return Step(state, [Decision("refused", f"{named}: {'; '.join(against)}", evidence)])
    state = replace(state, trial=replace(trial, candidates=candidates))
    through = max(one.through for one in candidates.values())
    return Step(state, [Decision("trained", f"{named} learned from days up to {through}")])


def promoted(state: State, policy: Policy) -> Step:
    """Take the candidate as champion: it is watched, and refined if it followed a drift."""
    promote, trial = state.pending, state.trial
    assert isinstance(promote, Promote) and trial is not None
    before, model = state.champion, with_own_losses(promote.model, trial, promote.role)
    warm = {"previous": before}
    if state.trusted and state.trusted.version != before.version and policy.evidence == "replay":
        warm["trusted"] = state.trusted
    state = replace(
        state,
        champion=model,
        since=state.day,
        change=trial.change or state.change,
        statistic=[],
        recent=[],
        drifts=[],
        quiet=[],
        rows=0,
        muted=state.day + timedelta(days=policy.limits.cooldown_days),
        watch=Watch(state.day, warm, state.change),
        trial=refinement(trial, state.day, policy),
        pending=None,
    )
    words = f"version {model.version} is the champion, instead of version {before.version}"
    return Step(to_train(state, policy), [Decision("promoted", words)])


def with_own_losses(model: Model, trial: Trial, role: str) -> Model:
    """Return the model, with what its losses were on rows that it had not learned from.

    Residuals with a sign are usual at 0 on rows learned from, too; losses are too small there.
    """
    blank = model.reference
    _, losses = daily_losses(trial.days, role)
    if blank.kind != "loss" or not len(losses):
        return model
    scale = float(abs(losses.mean())) or 1.0
    days = [day.date for day in trial.days if role in day.losses]
    means = dict(zip(days, (losses / scale).tolist(), strict=True))
    return replace(model, reference=reference_of(Reference("loss", scale, 0, 0, 0), means))


def refinement(trial: Trial, day: date, policy: Policy) -> Trial | None:
    """Return the trial that follows a promotion after a drift, until a window is full."""
    if trial.change is None or policy.evidence == "split":
        return None
    if days_since(trial.change, day) >= WINDOW:
        return None
    return Trial("refine", day, trial.change)


def not_promoted(state: State, why: str, policy: Policy) -> Step:
    """Keep the champion and end the trial, as the candidate could not be deployed."""
    promote = state.pending
    assert isinstance(promote, Promote)
    muted = state.day + timedelta(days=policy.limits.cooldown_days)
    state = replace(state, pending=None, trial=None, statistic=[], quiet=[], muted=muted)
    words = f"version {promote.model.version} does not serve: {why}"
    return Step(state, [Decision("not promoted", words)])


def went_back(state: State, policy: Policy) -> Step:
    """Take back a model that served before; for a while nothing is retrained."""
    back, watch = state.pending, state.watch
    assert isinstance(back, GoBack)
    state = replace(
        state,
        champion=back.model,
        since=state.day,
        change=watch.change if watch else state.change,
        statistic=[],
        recent=[],
        drifts=[],
        quiet=[],
        muted=state.day + timedelta(days=policy.limits.cooldown_days),
        watch=None,
        trial=None,
        pending=None,
    )
    return Step(state, [Decision("rolled back", f"version {back.model.version} serves again")])


def breach(state: State, why: str) -> Step:
    """Go back at once, because the service fails with the new champion."""
    return Step(*going_back(replace(state, pending=None), why))


def leave_out(state: State, day: date, kind: str, why: str) -> Step:
    """Skip a day that does not count; one whose data is not trusted is never learned from."""
    refused = [*state.refused, day][-MONTH * 3 :] if kind == "guard" else state.refused
    state = replace(state, day=day, refused=refused)
    return Step(state, [Decision(kind, f"{day}: {why}")])


def quiet_words(state: State, day: Day) -> str:
    """Return in words that nothing happened on the day."""
    if not state.freedom:
        return f"{day.rows} rows; {len(state.recent)} days of what is usual are known"
    residual = adjusted(day.residual, day.date, state.champion.reference)
    return f"{day.rows} rows, residual {residual:+.1%}"

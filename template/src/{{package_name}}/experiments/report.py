"""How the experiment stands, and what to do: `make ab-report`.

Prints the verdict and what it rests on; draws it in reports/experiment.png, and leaves the
numbers in reports/experiment.json for programs.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from .. import problem
from ..errors import UserError, run
from ..serving import bundle
from ..serving.store import reading
from .comparison import (
    Comparison,
    Trial,
    compare,
    daily_scores,
    evidence_of,
    gains,
    likeness,
    verdict_of,
)
from .plan import PLAN, Experiment, read_experiment
from .plots import experiment_figure
from .sequential import Verdict

REPORTS = Path("reports")
ALIKE = 0.4  # from here on, blocks of three days no longer keep the bound of alpha

ADVICE = {
    "promote": 'make promote VERSION={version}, set mode: "off" in experiment.yaml, make deploy',
    "keep": 'set mode: "off" in experiment.yaml, make deploy',
    "go on": "look again when more days are complete; looking changes nothing",
}


def running_trial(live: Path) -> Trial:
    """The trial that the live release runs.

    Raises:
        UserError: it runs none, or one that this problem's metric cannot judge.
    """
    release = bundle.read_release(live)
    plan = release.experiment if release else None
    if not release or not release.challenger or not plan or plan.mode == "off":
        raise UserError(
            "no experiment runs: register a challenger, set mode and name in "
            f"{PLAN}, then make deploy"
        )
    if plan.metric not in (None, problem.METRIC):
        raise UserError(f"{PLAN}: metric: {plan.metric} is not known, only {problem.METRIC}")
    champion, challenger = (
        bundle.read_manifest(bundle.bundle_folder(live, name)).version
        for name in (release.champion, release.challenger)
    )
    return Trial(plan, champion, challenger, datetime.fromisoformat(release.time))


def numbers(comparison: Comparison, trial: Trial, verdict: Verdict) -> dict[str, Any]:
    """All that the verdict rests on, ready for JSON; bounds that are not there yet are infinite."""
    evidence = evidence_of(comparison, trial.plan)
    return {
        "trial": trial,
        "metric": problem.METRIC,
        "verdict": verdict,
        "days": comparison.days,
        "daily_gain": gains(comparison.days).tolist(),
        "likeness_of_days": likeness(gains(comparison.days)),
        "left_out": comparison.left_out,
        "waiting": comparison.waiting,
        "blocks": {
            "log_e": evidence.log_e.tolist(),
            "gain": evidence.gain.tolist(),
            "lower": evidence.lower.tolist(),
            "upper": evidence.upper.tolist(),
        },
    }


def describe(comparison: Comparison, trial: Trial, verdict: Verdict) -> str:
    """The report in words."""
    plan = trial.plan
    champion, challenger = daily_scores(comparison.days)
    lines = [
        f"{plan.name}: version {trial.challenger} in a {plan.mode} test beside version "
        f"{trial.champion} since {trial.first_day}",
        f"{verdict.decision}: {verdict.reason}",
        "",
    ]
    if verdict.blocks:
        lines += [
            f"  {problem.METRIC:24} champion {champion.mean():.4g}, "
            f"challenger {challenger.mean():.4g}",
            f"  {'gain':24} {verdict.gain:+.2%}, at least {verdict.lower:+.2%} and at most "
            f"{verdict.upper:+.2%}, each {1 - plan.alpha:.0%} sure",
            f"  {'evidence':24} {verdict.e_value:.3g}, and {verdict.threshold:g} is enough",
        ]
    lines.append(
        f"  {'days':24} {verdict.days} in {verdict.blocks} blocks of {plan.block_days}; "
        f"no promotion before day {plan.min_days}, the end at day {plan.max_days}"
    )
    lines += [f"  {'left out':24} {day}: {why}" for day, why in comparison.left_out.items()]
    if comparison.waiting:
        lines.append(f"  {'waiting':24} {comparison.waiting}")
    lines += [f"  {'beware':24} {caveat}" for caveat in caveats(comparison, plan)]
    advice = ADVICE[verdict.decision].format(version=trial.challenger)
    return "\n".join([*lines, "", f"next: {advice}"])


def caveats(comparison: Comparison, plan: Experiment) -> list[str]:
    """Why a challenger that is no better may win here more often than alpha."""
    found = []
    alike = likeness(gains(comparison.days))
    if alike > ALIKE:
        found.append(f"neighbouring days are alike (correlation {alike:.2f}): use longer blocks")
    if plan.mode == "split" and plan.unit is not None:
        found.append(f"each {plan.unit} comes back to its group: that the groups differ counts too")
    return found


def main() -> None:
    written = read_experiment()
    trial = running_trial(bundle.LIVE)
    with reading() as store:
        comparison = compare(store.outcomes, trial, datetime.now(UTC))
    if not comparison.days:
        why = comparison.waiting or [*comparison.left_out.values()][-1]
        raise UserError(f"{trial.plan.name} has no day yet to judge by: {why}")
    verdict = verdict_of(comparison, trial.plan)
    print(describe(comparison, trial, verdict))
    if written != trial.plan:
        print(f"{PLAN} has changed since: make deploy starts what it says now, from its first day")
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / "experiment.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(numbers(comparison, trial, verdict)))
    )
    experiment_figure(comparison, trial, verdict).savefig(REPORTS / "experiment.png", dpi=150)
    print(f"figure: {REPORTS / 'experiment.png'}")


if __name__ == "__main__":
    run(main)

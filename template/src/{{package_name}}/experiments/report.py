"""Report on the running experiment: `make ab-report`.

It prints the verdict with its reasons, and writes reports/experiment.png and experiment.json.
"""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from .. import problem
from ..errors import UserError, run
from ..serving import bundle
from ..serving.store import reading
from .comparison import Comparison, Trial, autocorrelation, compare, evidence_of, verdict_of
from .plan import PLAN, Experiment, read_experiment
from .plots import experiment_figure
from .scores import score_missing
from .sequential import LARGEST_LOG, Evidence, Verdict

REPORTS = Path("reports")
HIGHEST_CORRELATION = 0.4  # above it, blocks of three days exceed alpha
NEXT = {
    "promote": 'make promote VERSION={version}, set mode: "off" in experiment.yaml, make deploy',
    "keep": 'set mode: "off" in experiment.yaml, make deploy',
    "go on": "run make ab-report again on another day; looking often does not raise alpha",
}


def running_trial(live: Path) -> Trial:
    """Return the experiment of the current release.

    Raises
    ------
    UserError
        There is none, or its metric is unknown.
    """
    release = bundle.read_release(live)
    plan = release.experiment if release else None
    if not release or not release.challenger or not plan or plan.mode == "off":
        raise UserError(
            f"no experiment runs. Register a challenger, set mode and name in {PLAN}, and run "
            "make deploy"
        )
    if plan.metric not in (None, problem.METRIC):
        raise UserError(f"{PLAN}: metric: {plan.metric} is unknown. Set it to {problem.METRIC}")
    champion, challenger = (
        bundle.read_manifest(bundle.bundle_folder(live, name)).version
        for name in (release.champion, release.challenger)
    )
    return Trial(plan, champion, challenger, datetime.fromisoformat(release.time))


def as_text(comparison: Comparison, trial: Trial, evidence: Evidence, verdict: Verdict) -> str:
    """Return the report as text."""
    plan, last = trial.plan, verdict.blocks - 1
    facts = []
    if verdict.blocks:
        champion, challenger = comparison.scores().mean(axis=1)
        gain, lower, upper = evidence.gain[last], evidence.lower[last], evidence.upper[last]
        bounds = "too few blocks for confidence bounds"
        if np.isfinite(lower):
            bounds = f"{1 - plan.alpha:.0%} confidence bounds {lower:+.2%} to {upper:+.2%}"
        e_value = np.exp(min(evidence.log_e[last], LARGEST_LOG))
        facts = [
            (problem.METRIC, f"champion {champion:.4g}, challenger {challenger:.4g}"),
            ("gain", f"{gain:+.2%}, {bounds}"),
            ("e-value", f"{e_value:.3g}, threshold {plan.threshold:g}"),
        ]
    days = f"{verdict.blocks * plan.block_days} in {verdict.blocks} blocks of {plan.block_days}"
    limits = f"promotion from day {plan.min_days} on, end at day {plan.max_days}"
    facts.append(("days", f"{days}; {limits}"))
    facts += [("left out", f"{day}: {why}") for day, why in comparison.left_out.items()]
    facts += [("waiting", comparison.waiting)] if comparison.waiting else []
    facts += [("warning", warning) for warning in warnings(comparison, plan)]
    versions = f"version {trial.challenger} against version {trial.champion}"
    return "\n".join(
        [
            f"{plan.name}: {plan.mode}, {versions}, since {trial.first_day}",
            f"{verdict.decision}: {verdict.reason}\n",
            *(f"  {name:24} {text}" for name, text in facts),
            f"\nnext: {NEXT[verdict.decision].format(version=trial.challenger)}",
        ]
    )


def warnings(comparison: Comparison, plan: Experiment) -> list[str]:
    """Return why a challenger that is no better may win more often than alpha."""
    found, correlation = [], autocorrelation(comparison.gains())
    if correlation > HIGHEST_CORRELATION:
        found.append(f"neighbouring days correlate by {correlation:.2f}: use longer blocks")
    if plan.mode == "split" and plan.unit is not None:
        found.append(f"each {plan.unit} stays in its group: differences between groups count, too")
    return found


def main() -> None:
    """Print the report and write its files."""
    trial, written = running_trial(bundle.LIVE), read_experiment()
    with reading() as store:
        score_missing(store)
        comparison = compare(store, trial, datetime.now(UTC))
    if not comparison.days:
        reason = comparison.waiting or [*comparison.left_out.values()][-1]
        raise UserError(f"{trial.plan.name} has no day that counts yet: {reason}")
    evidence, verdict = evidence_of(comparison, trial.plan), verdict_of(comparison, trial.plan)
    print(as_text(comparison, trial, evidence, verdict))
    if written != trial.plan:
        print(f"{PLAN} has changed: make deploy starts a new experiment with it")
    REPORTS.mkdir(exist_ok=True)
    numbers = {
        "metric": problem.METRIC,
        "trial": trial,
        "verdict": verdict,
        "comparison": comparison,
        "evidence": evidence,  # infinite bounds are null
    }
    content = msgspec.json.encode(numbers, enc_hook=np.ndarray.tolist)
    (REPORTS / "experiment.json").write_bytes(msgspec.json.format(content))
    figure = experiment_figure(comparison, trial, evidence, verdict)
    figure.savefig(REPORTS / "experiment.png", dpi=150)
    print(f"figure: {REPORTS / 'experiment.png'}")


if __name__ == "__main__":
    run(main)

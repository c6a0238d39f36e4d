"""Training by a command, in steps, and again."""

import re
from collections import Counter
from typing import Any

from ....inspection.files import as_mapping
from ....inspection.python import Call, Unit
from ...evidence import (
    among,
    endless_reach,
    fits,
    fitting_places,
    is_none,
    reached_by,
    scheduled_reach,
    started_outside,
    training_reach,
    unseen_ci,
)
from ...finding import Evidence, Finding, any_of, criterion, met, missing, unknown
from ...infrastructure import NEW_DATA, RECURS
from ...other_files import DOCS_PATH, all_mappings
from ...places import at_call, at_line, at_text, at_unit, uncommented
from ...reach import Place
from ...tools import (
    ORCHESTRATED_STEPS,
    ORCHESTRATOR_OBJECTS,
    SCHEDULE_KEYWORDS,
    SCHEDULING,
    SENSORS,
    TRACKER_PACKAGES,
)
from ...wiring import Wiring
from .versions import KFP_COMPONENT

FEWEST_STEPS = 3
STARTS_SERVICE = re.compile(r"\b(uvicorn|gunicorn|hypercorn|streamlit run|flask run|fastapi run)\b")
KFP_PIPELINE = re.compile(r"kfp\.(v2\.)?dsl\.pipeline$")
STEP_TRAIN = re.compile(r"train|fit", re.I)
STEP_EVALUATE = re.compile(r"evaluat|score|test_model|validate_model|assess", re.I)
STEP_REGISTER = re.compile(r"register|log_model|publish|push_model", re.I)
SCHEDULE_OFF = re.compile(r"(?m)^\s*#\s*(schedule:|- cron)")
OPERATOR = re.compile(r"airflow\..*Operator$")
SCHEDULER_MADE = re.compile(
    r"\bgcloud (beta )?scheduler jobs create .*--schedule|\baws events put-rule .*--schedule"
)
PIPELINE_STARTED = re.compile(
    r"(create_run_from_\w+|start_pipeline_execution|start_execution|run_pipeline|submit"
    r"|PipelineJob)$"
)
RUNS = re.compile(r"\bpython|\.py\b|\b-m ")
TRAIN_FILE = re.compile(r"\b(train\w*|retrain\w*|fit)\b", re.I)


@criterion("L2-01", "headless-training", "must", "MS2, SD")
def headless_training(wiring: Wiring) -> Finding:
    """Training is one command without a notebook.

    A console script, a module, a task or a script that reaches a call that fits a model.
    """
    wanted = fitting_places(wiring)
    by_request = None
    for root, reached in wiring.reach_by_root:
        both = wanted & reached
        if both and STARTS_SERVICE.search(root.text):
            by_request = by_request or root
        elif both:
            unit, call = next(one for one in fits(wiring) if (one[0].path, one[0].name) in both)
            start = at_text(wiring, root.file, root.text.split()[0], root.text)
            return met([start, at_call(wiring, unit, call)])
    found = fits(wiring)
    if by_request:
        place = at_text(wiring, by_request.file, by_request.text.split()[0], by_request.text)
        return missing("only a request to a service trains", [place], "E1")
    for path, line in notebook_runs(wiring):
        return missing("only a notebook is run", [at_text(wiring, path, line)], "E1")
    if found and not wanted:
        return missing("only notebooks fit a model", [at_call(wiring, *found[0])], "E1")
    if found:
        inside = next(one for one in found if (one[0].path, one[0].name) in wanted)
        return missing("no command reaches what fits a model", [at_call(wiring, *inside)], "E1")
    return missing("nothing fits a model")


def notebook_runs(wiring: Wiring) -> list[tuple[str, str]]:
    """Return the commands that run notebooks."""
    lines = [line for job in wiring.jobs for line in job.lines] + wiring.task_lines
    found = re.compile(r"\bpapermill\b|nbconvert.*--execute|databricks.*notebook")
    return [(line.file, line.text) for line in lines if found.search(line.text)]


@criterion("L2-02", "training-in-steps", "must", "G1, ZC")
def training_pipeline(wiring: Wiring) -> Finding:
    """Training is a pipeline of at least three steps with known edges.

    `dvc.yaml` stages, steps of Airflow, Prefect, Kubeflow, Kedro, ZenML, Dagster, Metaflow, Flyte,
    TFX, SageMaker, Vertex, Azure ML or Argo; or functions of one's own that train, evaluate and
    register in one tracked run.
    """
    return any_of(
        declared_pipeline(wiring),
        pipeline_of_mage(wiring),
        coded_pipeline(wiring),
        kubernetes_pipeline(wiring),
        tracked_pipeline(wiring),
        managed_pipeline(wiring),
    )


def managed_pipeline(wiring: Wiring) -> Finding:
    """Return met for a pipeline or state machine that a file of infrastructure declares."""
    kinds = (
        r"^(aws_sagemaker_pipeline|AWS::SageMaker::Pipeline|aws_sfn_state_machine"
        r"|AWS::StepFunctions::StateMachine)$"
    )
    step = (
        r'Type"?\s*[=:]\s*"?(Training|Processing|RegisterModel|Condition|Tuning|Transform|Task'
        r"|Lambda|CreateModel|Model)\b"
    )
    for one in wiring.created(kinds, r"rain"):
        steps = re.findall(step, one.text.replace('\\"', '"'))
        if len(steps) >= FEWEST_STEPS:
            return met([Evidence(one.file, one.line, f"{len(steps)} steps")])
    return missing("no pipeline of at least three steps was found")


def declared_pipeline(wiring: Wiring) -> Finding:
    """Return met for stages in dvc.yaml, or jobs in an Azure ML or Databricks pipeline."""
    best: tuple[int, Evidence] | None = None
    for path in wiring.yaml_files:
        name = path.rpartition("/")[2]
        body = wiring.repository.tree[path]
        kind = b"stages:" in body and name == "dvc.yaml"
        azure = b"pipelineJob" in body or (b"type: pipeline" in body and b"jobs:" in body)
        bundle = b"depends_on:" in body and b"task_key:" in body
        kubeflow = b"pipelineInfo:" in body or b"deploymentSpec:" in body
        if not (kind or azure or bundle or kubeflow):
            continue
        for document in wiring.repository.documents(path):
            said = as_mapping(document)
            steps: list[Any] = list(as_mapping(said.get("stages" if kind else "jobs")).values())
            if bundle:
                steps = [one for one in all_mappings(said) if "task_key" in one and len(one) > 1]
            if kubeflow:
                steps = [one for one in all_mappings(said) if "componentRef" in one]
            said_to_train = not kind or fits(wiring) or TRAIN_FILE.search(str(said))
            if said_to_train and (best is None or len(steps) > best[0]):
                best = (len(steps), Evidence(path, 1, f"{len(steps)} steps"))
    if best is None:
        return missing("no pipeline of at least three steps was found")
    if best[0] < FEWEST_STEPS:
        return missing(f"the pipeline has {best[0]} steps", [best[1]], "E1")
    return met([best[1]])


def pipeline_of_mage(wiring: Wiring) -> Finding:
    """Return met for a pipeline of Mage whose blocks train."""
    wanted = fitting_places(wiring)
    for job in wiring.mage_pipelines:
        reached = reached_by(wiring, job.lines, "pipeline")
        if len(job.lines) >= FEWEST_STEPS and wanted & reached:
            return met([Evidence(job.file, 1, f"{len(job.lines)} steps")])
    return missing("no pipeline of at least three steps was found")


def coded_pipeline(wiring: Wiring) -> Finding:
    """Return met for steps of an orchestrator's library in a pipeline that trains."""
    steps_called = [
        one for one in wiring.calls(ORCHESTRATED_STEPS) if not wiring.lacks_import(one[0].path)
    ]
    found = without_short_dags(steps_called)
    objects = wiring.calls(ORCHESTRATOR_OBJECTS)
    decorated = [
        unit
        for unit in wiring.code
        if any(matches(name, ORCHESTRATED_STEPS) for name in unit.decorators)
        or any(base.endswith(("FlowSpec", "luigi.Task")) for base in unit.bases)
    ]
    decorated = used_in_pipelines(wiring, decorated)
    steps = {(unit.path, unit.name, 0): at_unit(wiring, unit) for unit in decorated}
    steps |= {
        (unit.path, call.name, call.line): at_call(wiring, unit, call) for unit, call in found
    }
    if not steps:
        return missing("no pipeline of at least three steps was found")
    folders: dict[str, list[Evidence]] = {}
    for (path, _, _), place in steps.items():
        folders.setdefault("/".join(path.split("/")[:2]), []).append(place)
    whole = [one for one in folders.values() if len(one) >= FEWEST_STEPS]
    groups = sorted(whole or [[one for each in folders.values() for one in each]], key=len)
    training = [one for one in groups if lead_to_training(wiring, one)]
    most, trains = (training or groups)[-1], bool(training)
    if len(steps) >= FEWEST_STEPS and trains:
        return met([*(at_call(wiring, *one) for one in objects[:1]), *most])
    reason = f"the pipeline has {len(steps)} steps" if trains else "the pipeline does not train"
    return missing(reason, most, "E1")


def lead_to_training(wiring: Wiring, steps: list[Evidence]) -> bool:
    """Tell whether the files of steps reach what trains, or name it."""
    units = [unit for path in {one.path for one in steps} for unit in wiring.modules[path].units]
    reached = wiring.reach((unit.path, unit.name) for unit in units)
    fitted = {(unit.path, unit.name) for unit, _ in fits(wiring)}
    words = [*(one.what for one in steps), *(name for unit in units for name in unit.names)]
    words += [text for unit in units for _, text in unit.strings if " " not in text.strip()]
    words += [text for unit in units for _, text in unit.strings if RUNS.search(text)]
    return not fitted.isdisjoint(reached) or any(
        TRAIN_FILE.search(re.sub(r"[_/.]", " ", word)) for word in words
    )


def used_in_pipelines(wiring: Wiring, steps: list[Unit]) -> list[Unit]:
    """Leave out the components of Kubeflow that no pipeline uses."""
    pipelines = [unit for unit in wiring.code if any(map(KFP_PIPELINE.match, unit.decorators))]
    names = {name for unit in pipelines for name in unit.names}
    return [
        unit
        for unit in steps
        if not pipelines
        or unit.short in names
        or not any(map(KFP_COMPONENT.match, unit.decorators))
    ]


def without_short_dags(found: list[tuple[Unit, Call]]) -> list[tuple[Unit, Call]]:
    """Leave out the operators of Airflow in files with too few for a pipeline."""
    operators = {(unit.path, call.line) for unit, call in found if OPERATOR.match(call.name)}
    sizes = Counter(path for path, _ in operators)
    return [
        (unit, call)
        for unit, call in found
        if not OPERATOR.match(call.name) or sizes[unit.path] >= FEWEST_STEPS
    ]


def matches(name: str, patterns: list[str]) -> bool:
    """Tell whether a dotted name matches one of the patterns."""
    from fnmatch import fnmatchcase

    return any(fnmatchcase(name, pattern) for pattern in patterns if ":" not in pattern)


def kubernetes_pipeline(wiring: Wiring) -> Finding:
    """Return met for an Argo workflow with steps."""
    for path, document in wiring.manifests:
        if document.get("kind") in {"Workflow", "WorkflowTemplate", "CronWorkflow", "Pipeline"}:
            steps = [one for one in all_mappings(document) if "template" in one or "taskRef" in one]
            if len(steps) >= FEWEST_STEPS:
                return met([at_text(wiring, path, "kind:", f"{len(steps)} steps")])
    return missing("no pipeline of at least three steps was found")


def tracked_pipeline(wiring: Wiring) -> Finding:
    """Return met for functions that train, evaluate and register, called one after the other."""
    reached = training_reach(wiring)
    for unit in among(wiring, reached):
        called_names = [
            (call.name.rpartition(".")[2], call)
            for call in unit.calls
            if (own := wiring.module_path(call.name.partition(".")[0], unit.path))
            or wiring.module_path(call.name, unit.path)
            or own
        ]
        steps = [
            next((call for name, call in called_names if pattern.search(name)), None)
            for pattern in (STEP_TRAIN, STEP_EVALUATE, STEP_REGISTER)
        ]
        if all(steps) and wiring.imports(unit.path, TRACKER_PACKAGES):
            return met(at_call(wiring, unit, call) for call in steps if call)
    return missing("no pipeline of at least three steps was found")


@criterion("L2-08", "trained-on-schedule", "must", "MS2, G1, AWS 8.2-8.3")
def trained_on_schedule(wiring: Wiring) -> Finding:
    """Training recurs by itself.

    A schedule of CI, Airflow, Prefect, Dagster, Kubernetes, EventBridge, Cloud Scheduler or cron,
    a sensor or rule of new data, or an endless loop of a service, that reaches the training.
    Training at each push does not recur.
    """
    wanted = fitting_places(wiring)
    other = None
    for file, lines, reached in [*scheduled_reach(wiring), *endless_reach(wiring)]:
        if wanted & reached:
            return met([at_text(wiring, file, "schedule"), *first_fit(wiring, wanted & reached)])
        for line in lines:
            if line.file != ".pre-commit-config.yaml" and re.search(
                r"az ml job create|gcloud .*(pipeline|custom-jobs)|kfp run|sagemaker .*pipeline"
                r"|dvc repro|papermill|notebook",
                line.text,
            ):
                return met(
                    [
                        at_text(wiring, file, "schedule"),
                        at_text(wiring, line.file, line.text[:40], line.text),
                    ]
                )
        other = other or file
    for unit, call in wiring.calls([*SCHEDULING, *SENSORS]):
        schedule = [call.keywords[name] for name in SCHEDULE_KEYWORDS if name in call.keywords]
        by_data = any(isinstance(one, list) and one for one in schedule)
        named = re.search(
            r"DAG|dag$|serve|deploy|deployment|build_from_flow|LaunchPlan",
            call.name.rpartition(".")[2],
        )
        text = by_data or any(
            isinstance(one, str) and one not in {"@once", "None", ""} for one in schedule
        )
        dynamic = any(one is None for one in schedule) and not is_none(unit)
        if named and not (text or (dynamic and schedule and call.name.rpartition(".")[2] != "DAG")):
            continue
        commands = [place for _, text in unit.strings for place in wiring.started(text, unit.path)]
        trains = wanted & wiring.reach([(unit.path, unit.name), (unit.path, "<module>"), *commands])
        mentions = any(
            TRAIN_FILE.search(name.replace("_", " ")) for name in [*unit.names, unit.path]
        )
        if trains or mentions:
            return met([at_call(wiring, unit, call)])
        other = other or unit.path
    if found := infrastructure_schedule(wiring) or set_outside(wiring, wanted):
        return found
    if other:
        return unseen_ci(wiring, f"the schedule in {other} does not reach the training")
    return unseen_ci(wiring, "nothing starts the training again")


def set_outside(wiring: Wiring, wanted: set[Place]) -> Finding | None:
    """Return unknown if what trains can be started by a schedule that no file would show."""
    if made := scheduler_in_notebook(wiring):
        return met(made, "E1")
    for job in wiring.jobs:
        reached = reached_by(wiring, job.lines)
        asked = job.file.startswith(".github/") and job.started_by("repository_dispatch")
        off = SCHEDULE_OFF.search(wiring.repository.text(job.file))
        if (asked or job.started_by("outside")) and wanted & reached and not off:
            return started_outside(job)
        if wiring.is_schedule_unsaid(job) and wanted & reached:
            return unknown(
                "GitLab keeps schedules, which no file shows", [Evidence(job.file, 1, job.name)]
            )
    reason = "the schedule of a deployment can be set at its server, which no file shows"
    deployments = ["prefect:.deploy", "prefect:.to_deployment", "prefect:.build_from_flow"]
    for unit, call in wiring.calls(deployments):
        if not any(call.keywords.get(name) for name in SCHEDULE_KEYWORDS):
            return unknown(reason, [at_call(wiring, unit, call)])
    reason = "an event starts the pipeline; who sends it is not in the repository"
    for unit in wiring.code:
        sent = [call for call in unit.calls if PIPELINE_STARTED.search(call.name)]
        if {"event", "context"} <= unit.names.keys() and sent:
            return unknown(reason, [at_call(wiring, unit, sent[0])])
    return None


def scheduler_in_notebook(wiring: Wiring) -> list[Evidence]:
    """Return where a notebook makes a scheduler, and the function that then starts a pipeline."""
    made = [
        at_line(wiring, path, line, text)
        for path, module in wiring.modules.items()
        for line, text in module.shell
        if SCHEDULER_MADE.search(text)
    ]
    started = [
        at_call(wiring, unit, call)
        for unit in (wiring.code if made else ())
        if {"event", "context"} <= unit.names.keys()
        for call in unit.calls
        if PIPELINE_STARTED.search(call.name)
    ]
    return [made[0], started[0]] if made and started else []


def first_fit(wiring: Wiring, places: set[Place]) -> list[Evidence]:
    """Return the first call that fits a model in some units."""
    return [at_call(wiring, *one) for one in fits(wiring) if (one[0].path, one[0].name) in places][
        :1
    ]


def infrastructure_schedule(wiring: Wiring) -> Finding | None:
    """Return met for a rule or a scheduler of a cloud that names a pipeline."""
    for one in [*wiring.rules(RECURS), *wiring.rules(NEW_DATA)]:
        return met([Evidence(one.file, one.line, f"{one.kind} {one.name}")])
    read = {one.file for one in wiring.resources}
    text = re.compile(
        r"aws_cloudwatch_event_rule|aws_scheduler_schedule|google_cloud_scheduler_job"
        r"|AWS::Events::Rule|ScheduleExpression|AWS::Scheduler::Schedule|RecurrenceTrigger"
        r"|CronTrigger|quartz_cron_expression"
    )
    for path in wiring.sizes:
        if (
            path.endswith((".tf", ".yml", ".yaml", ".json", ".ts"))
            and path not in read
            and not DOCS_PATH.search(path)
            and wiring.sizes[path] < 200_000
        ):
            body = wiring.repository.tree[path]
            if (
                b"chedul" in body
                or b"event_rule" in body
                or b"Events::Rule" in body
                or b"cron" in body
            ):
                said = uncommented(wiring, path)
                found = text.search(said)
                if (
                    found
                    and re.search(r"train|pipeline|sagemaker", said, re.I)
                    and "paused: true" not in said.lower()
                    and re.search(r"ScheduleExpression|schedule_expression|schedule\s*=|cron", said)
                ):
                    return met([at_text(wiring, path, found[0])])
    return None


def called_names(call: Call) -> list[str]:
    """Return what a chain of calls calls: `fit` and `score` of `a.b().fit().score()`, and `b`."""
    return [part.rpartition(".")[2] for part in call.name.split("()")]

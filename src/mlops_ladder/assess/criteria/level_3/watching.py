"""Metrics, reports and alerts."""

import re

from ....inspection.files import mappings_in
from ...evidence import (
    among,
    called,
    endless_reach,
    scheduled_by_code,
    scheduled_reach,
    serving_reach,
    undecided,
    units_with,
    unseen_ci,
)
from ...finding import Evidence, Finding, criterion, met, missing, unknown
from ...infrastructure import Resource
from ...other_files import DOCS_PATH, all_mappings
from ...places import at_call, at_text, at_unit, uncommented
from ...tools import DEPLOYING_CALLS, DRIFT_TOOLS, DRIFT_WORD, EXPORTING
from ...wiring import Wiring
from .serving import ENDPOINT, model_served

OBSERVED = re.compile(
    rb"(?mi)^\s*(appInsightsEnabled|app_insights_enabled):\s*true\b|^kind:\s*(Service|Pod)Monitor\b"
)
ALARM_ACTION = re.compile(
    r"""(?x) (AlarmActions|alarm_actions|notification_channels|action_group\w*) ["']? \s* [:=]
        (?: \s*\[\s*[^\]\s] | [ \t]*[\w!$&"'] | \s*\n[ \t]*-[ \t]*\S )
    | \baction\s*\{\s*[^}\s] """
)
ALERT_CALL = re.compile(
    r"slack|pagerduty|opsgenie|send_?mail|smtp|teams_webhook|sns|notify|send_alert|telegram|twilio",
    re.I,
)


@criterion("L3-11", "operation-measured", "must", "MS4, N6")
def operation_measured(wiring: Wiring) -> Finding:
    """The service exports requests, latency and errors.

    prometheus_client and instrumentators, OpenTelemetry, CloudWatch, statsd and others, in code
    that a command reaches.
    """
    watched = wiring.created(
        r"(CloudWatch::(Alarm|Dashboard)|aws_cloudwatch_(metric_alarm|dashboard)"
        r"|google_monitoring\w*)",
        r"AWS/(SageMaker|Lambda|ApiGateway|ECS|ApplicationELB)|aws\.sagemaker|aiplatform"
        r"|run\.googleapis",
    )
    if watched:
        return met(Evidence(one.file, one.line, f"{one.kind} {one.name}") for one in watched)
    for path in wiring.yaml_files:
        found = OBSERVED.search(wiring.repository.tree[path])
        if found and model_served(wiring).status == "met":
            return met([at_text(wiring, path, found[0].decode().strip())])
    found_calls = called(wiring, EXPORTING, "export of operational metrics")
    if found_calls.status == "met" and exports_gauges_alone(wiring):
        return missing(
            "only gauges are exported: no requests, times or errors", found_calls.evidence, "E1"
        )
    if found_calls.status == "met" and exports_drift_alone(wiring):
        return missing(
            "metrics of drift are exported, none of requests", found_calls.evidence, "E1"
        )
    if found_calls.status == "met" and never_updates(wiring):
        told = "counters are made; what updates them was not seen"
        return undecided(wiring, told, found_calls.evidence)
    if found_calls.status == "missing" and (places := managed_endpoints(wiring)):
        return unknown("the platform of the endpoint has metrics of its own", places)
    if found_calls.status == "met" and model_served(wiring).status == "met":
        served = called(
            wiring,
            EXPORTING,
            "export of metrics",
            serving_reach(wiring),
            "the service does not do it",
        )
        return served if serving_reach(wiring) else found_calls
    return found_calls


def exports_drift_alone(wiring: Wiring) -> bool:
    """Tell whether all metrics that reached code makes for Prometheus are of drift."""
    made = wiring.calls(["prometheus_client.*"], wiring.wired)
    named = [str(call.arguments[0]) for _, call in made if call.arguments]
    files = {unit.path for unit, _ in made}
    others = wiring.calls(
        [one for one in EXPORTING if "prometheus_client" not in one], wiring.wired
    )
    drift = all(DRIFT_WORD.search(one) or "evidently" in one for one in named)
    of_evidently = all(wiring.imports(path, "evidently") for path in files)
    return bool(made) and not others and (drift or of_evidently)


def never_updates(wiring: Wiring) -> bool:
    """Tell whether all that is exported are metrics of Prometheus that nothing counts or times."""
    made = [call.name for _, call in wiring.calls(EXPORTING, wiring.wired)]
    if not all(name.startswith("prometheus_client.") for name in made):
        return False
    return not wiring.calls([".inc", ".observe", ".time", ".count_exceptions"], wiring.wired)


def exports_gauges_alone(wiring: Wiring) -> bool:
    """Tell whether all that reached code exports are gauges of Prometheus."""
    made = {call.name for _, call in wiring.calls(EXPORTING, wiring.wired)}
    return made <= {"prometheus_client.Gauge", "prometheus_client.start_http_server"}


def managed_endpoints(wiring: Wiring) -> list[Evidence]:
    """Return where a model is put into service at a cloud."""
    created = wiring.created(ENDPOINT)
    calls = [one for one in wiring.calls(DEPLOYING_CALLS) if wiring.is_wired(one[0])]
    return [
        *(Evidence(one.file, one.line, one.kind) for one in created),
        *(at_call(wiring, *one) for one in calls),
    ]


@criterion("L3-12", "quality-watched", "must", "ZC, N2, N7, SD")
def quality_watched(wiring: Wiring) -> Finding:
    """Drift or quality in production is reported on a schedule.

    Evidently, NannyML, whylogs, Alibi Detect, SageMaker's and Vertex's monitors, or statistics of
    one's own such as PSI, in a job that a schedule starts.
    """
    managed = called(
        wiring,
        [
            "*.ModelDeploymentMonitoringJob.create",
            "*.create_model_deployment_monitoring_job",
            "sagemaker:.create_monitoring_schedule",
            "azure.ai.ml.entities.MonitorSchedule",
            "sagemaker:.create_monitoring_schedule",
            "azure:.schedules.begin_create_or_update",
            "boto3:.create_monitoring_schedule",
        ],
        "a monitor",
    )
    if managed.status == "met":
        return managed
    created = wiring.created(
        r"^(AWS::SageMaker::MonitoringSchedule|aws_sagemaker_monitoring_schedule)$"
    )
    if created:
        return met(Evidence(one.file, one.line, one.kind) for one in created)
    if managed.evidence and managed.evidence[0].path.endswith(".ipynb"):
        return met(managed.evidence, "E1")  # made once, and runs by its own schedule
    for file, _, reached in [*scheduled_reach(wiring), *endless_reach(wiring)]:
        found = [one for one in wiring.calls(DRIFT_TOOLS, reached)]
        named = [unit for unit, _ in units_with(among(wiring, reached), DRIFT_WORD) if unit.calls]
        if found or named:
            place = at_call(wiring, *found[0]) if found else at_unit(wiring, named[0])
            return met([at_text(wiring, file, "schedule"), place])
    for unit, call, reached in scheduled_by_code(wiring):
        if found := wiring.calls(DRIFT_TOOLS, reached):
            return met([at_call(wiring, unit, call), at_call(wiring, *found[0])])
    for unit, call in wiring.calls(DRIFT_TOOLS):
        if any(wiring.imports(unit.path, one) for one in ("airflow", "prefect", "dagster")):
            names = {*unit.names} | {
                n for one in wiring.modules[unit.path].units for n in one.names
            }
            if any(re.search(r"schedule|cron|interval", name) for name in names):
                return met([at_call(wiring, unit, call)])
    drift = called(wiring, DRIFT_TOOLS, "a report on drift")
    if drift.evidence:
        why = "drift is reported, but nothing starts the report on a schedule"
        return unseen_ci(wiring, why, evidence=drift.evidence)
    return unseen_ci(wiring, "nothing reports drift or quality on a schedule")


@criterion("L3-13", "alerts-reach-people", "must", "ZC, SD")
def alerts_reach_people(wiring: Wiring) -> Finding:
    """Alert rules detect failures, and somebody is notified.

    Rules of Prometheus with a receiver of Alertmanager that has an address, alerts of Grafana with
    a contact point, alarms of a cloud with an action, or code that calls a pager or chat on a
    breach.
    """
    rules = receivers = None
    empty: list[Evidence] = []
    for path in wiring.yaml_files:
        body = wiring.repository.tree[path]
        if not (b"alert" in body or b"receivers" in body or b"contactPoints" in body):
            continue
        for document in wiring.repository.documents(path):
            for one in all_mappings(document):
                if "alert" in one and "expr" in one:
                    rules = rules or at_text(wiring, path, "alert:")
                if isinstance(one.get("receivers"), list):
                    for receiver in mappings_in(one["receivers"]):
                        full = [
                            key
                            for key, value in receiver.items()
                            if str(key).endswith(("_configs", "settings")) and value
                        ]
                        if full:
                            receivers = receivers or at_text(wiring, path, str(full[0]))
                        else:
                            empty.append(at_text(wiring, path, "receivers"))
                if one.get("contactPoints"):
                    receivers = receivers or at_text(wiring, path, "contactPoints")
                if one.get("condition") and "data" in one and "title" in one:
                    rules = rules or at_text(wiring, path, "condition")
    if rules and receivers:
        return met([rules, receivers])
    for path in wiring.sizes:
        if (
            path.endswith((".tf", ".json", ".yml", ".yaml", ".py"))
            and wiring.sizes[path] < 200_000
            and not DOCS_PATH.search(path)
        ):
            text = uncommented(wiring, path)
            alarm = re.search(
                r"AWS::CloudWatch::Alarm|aws_cloudwatch_metric_alarm"
                r"|google_monitoring_alert_policy|azurerm_monitor_metric_alert|put_metric_alarm",
                text,
            )
            acts = ALARM_ACTION.search(text)
            said = text[acts.start() :].partition("\n")[0] if acts else ""
            if alarm and acts and not is_empty_by_default(wiring, said):
                place = at_text(wiring, path, alarm[0])
                if topic := topic_without_reader(wiring):
                    return missing(
                        f"{topic.name} has no subscription",
                        [place, Evidence(topic.file, topic.line, topic.kind)],
                        "E1",
                    )
                return met([place])
    mailed = wiring.calls(["*.EmailAlertConfig", "*.AlertNotification", "*.NotificationChannel"])
    if mailed:
        return met(
            [at_call(wiring, *mailed[0])], "E1" if mailed[0][0].path.endswith(".ipynb") else "E2"
        )
    for _, _, reached in scheduled_reach(wiring):
        for unit in among(wiring, reached):
            call = next((one for one in unit.calls if ALERT_CALL.search(one.name)), None)
            if call and unit.branches:
                return met([at_call(wiring, unit, call)])
    for unit in among(wiring, wiring.wired):
        call = next((one for one in unit.calls if ALERT_CALL.search(one.name)), None)
        watched = any(DRIFT_WORD.search(name) for name in [*unit.names, unit.path])
        if call and unit.branches and watched and not wiring.module_path(call.name, unit.path):
            return met([at_call(wiring, unit, call)])
    if rules:
        return missing(
            "there are alert rules, but no receiver with an address", [rules, *empty], "E1"
        )
    if receivers:
        return missing("there is a receiver, but no alert rule", [receivers], "E1")
    return missing("no alert rules were found")


def is_empty_by_default(wiring: Wiring, text: str) -> bool:
    """Tell whether all that a text of Terraform names are variables that are empty unless set."""
    named = re.findall(r"\bvar\.(\w+)", text)
    declared = "\n".join(
        uncommented(wiring, path) for path in wiring.sizes if path.endswith((".tf", ".tfvars"))
    )
    return bool(named) and all(
        re.search(rf'variable\s+"{name}"\s*{{[^}}]*default\s*=\s*(""|\[\s*\]|null)', declared)
        and not re.search(rf"(?m)^\s*{name}\s*=\s*[\[\"]\s*[^\s\]\"]", declared)
        for name in named
    )


def topic_without_reader(wiring: Wiring) -> Resource | None:
    """Return a topic of SNS to which nothing subscribes unless a setting is given, if any."""
    topics = wiring.created(r"^(AWS::SNS::Topic|aws_sns_topic)$")
    read = wiring.created(
        r"^(AWS::SNS::Subscription|aws_sns_topic_subscription|aws_chatbot\w*|AWS::Chatbot::\w+)$"
    )
    read = [one for one in read if not is_empty_by_default(wiring, one.text)]
    if read or any('"Subscription"' in one.text for one in topics):
        return None
    return topics[0] if topics else None

"""Benchmark of the service, against an echo on the same stack and other servers.

A new project at level 3 is installed, trained and deployed. All servers run at once and are loaded
in turn, so that other load on the machine affects all of them. Ratios are computed within a round.
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from installation import Installation, environment, install_project
from projects import Ladder, answers_of, snapshot
from tools import free_port

from .measurement import circumstances, load, spread, table
from .servers import Case, Load, Server, put_under_load
from .swapping import Swapping, Swaps, add_other_bundle, write_release

BATCH = 100  # rows in a request, where the sustained rate of the prediction log is measured
COUNTS = ("predictions", "prediction_log_written", "prediction_log_sampled_out")
ECHO, OURS, SHADOW = "echo", "mlops-ladder", "mlops-ladder, with a shadow"
BARE, BATCHED = "no extras, one by one", "no extras, batched alike"
FASTAPI_ONNX, FASTAPI_SKLEARN = "FastAPI, onnxruntime", "FastAPI, scikit-learn"
MLFLOW, MLSERVER = "mlflow models serve", "MLServer, onnxruntime"

VERSIONS = "import sys, importlib.metadata as m; print(*map(m.version, sys.argv[1:]))"
LIBRARIES = ["uvicorn", "uvloop", "httptools", "onnxruntime", "msgspec", "fastapi"]
LIBRARIES += ["scikit-learn", "mlflow"]


@dataclass(frozen=True)
class Bench:
    """A project with a deployed model, copies of its release folder, and the cases."""

    installation: Installation
    folder: Path

    @property
    def project(self) -> Path:
        """The project's folder."""
        return self.installation.project

    @property
    def package(self) -> str:
        """The project's package."""
        name: str = answers_of(self.project)["package_name"]
        return name

    @property
    def champion(self) -> str:
        """The name of the champion's bundle."""
        name: str = json.loads((self.project / "live/release.json").read_text())["champion"]
        return name

    @property
    def row(self) -> dict[str, Any]:
        """A row to predict."""
        row: dict[str, Any] = json.loads((self.bundle / "examples.json").read_text())[0]
        return row

    @property
    def bundle(self) -> Path:
        """The folder of the champion's bundle."""
        return self.project / "live/bundles" / self.champion

    @property
    def mlserver(self) -> Path:
        """The virtual environment of MLServer, if it is installed."""
        return self.folder / "mlserver-environment"

    def live(self, name: str) -> Path:
        """Copy the release folder, for one server."""
        return shutil.copytree(self.project / "live", self.folder / name)

    def python(self, code: str, *arguments: str) -> str:
        """Run code in the project's virtual environment, and return what it prints."""
        return printed_by(self.project / ".venv", code, *arguments)

    def service(self, name: str, live: Path) -> Case:
        """Return the service as a case."""
        command = [str(self.project / ".venv/bin/python"), "-m", f"{self.package}.serving.server"]
        variables = {"LIVE": str(live), "PORT": "{port}"}
        return Case(name, command, self.project, json.dumps(self.row), variables)

    def peer(self, name: str, module: str, *arguments: str, **variables: str) -> Case:
        """Return another server in the project's virtual environment as a case."""
        python = str(self.project / ".venv/bin/python")
        command = [python, "-m", f"bench.peers.{module}", "{port}", *arguments]
        known = {"PACKAGE": self.package, "BUNDLE": str(self.bundle)} | variables
        return Case(name, command, self.project, json.dumps(self.row), known)

    def features(self) -> dict[str, float]:
        """Return the row's features, for servers that do not compute them."""
        code = f"""
import json, numpy as np, runpy
features = runpy.run_path({str(self.bundle / "request_time.py")!r})["features"]
rows = {{name: np.array([value]) for name, value in {self.row!r}.items()}}
print(json.dumps({{name: float(values[0]) for name, values in features(rows).items()}}))
"""
        found: dict[str, float] = json.loads(self.python(code))
        return found


def printed_by(place: Path, code: str, *arguments: str) -> str:
    """Run code beside a virtual environment, and return what it prints."""
    command = [str(place / "bin/python"), "-c", code, *arguments]
    return subprocess.check_output(command, cwd=place.parent, text=True).strip()


def registered_model(bench: Bench) -> Path:
    """Save the registered model in the format that loads fastest, and return the file."""
    model = bench.folder / "model.joblib"
    bench.python(f"""
import joblib
from {bench.package}.pipelines import registry, tracking
with tracking.tracking_store() as client:
    champion = registry.load_model(registry.champion(client))
joblib.dump(champion.estimator, {str(model)!r})
""")
    return model


def cases_of(bench: Bench) -> list[Case]:
    """Return the service, and the servers in the project's virtual environment."""
    shadow = bench.live("shadow")
    write_release(
        shadow,
        champion=bench.champion,
        challenger=add_other_bundle(shadow, bench.champion),
        experiment={"mode": "shadow", "name": "bench"},
    )
    return [
        bench.peer(ECHO, "echo"),
        bench.service(OURS, bench.live("single")),
        bench.service(SHADOW, shadow),
        bench.peer(BARE, "bare"),
        bench.peer(BATCHED, "bare", "batched"),
        bench.peer(FASTAPI_ONNX, "fastapi_onnx"),
        bench.peer(FASTAPI_SKLEARN, "fastapi_sklearn", MODEL=str(registered_model(bench))),
    ]


def large_cases(bench: Bench) -> list[Case]:
    """Return servers that start slowly or need their own environment; they get features."""
    features = bench.features()
    mlflow = Case(
        MLFLOW,
        [
            *(str(bench.project / ".venv/bin/mlflow"), "models", "serve"),
            *("--model-uri", f"models:/{bench.package}@champion", "--env-manager=local"),
            *("--port={port}", "--workers=1"),
        ],
        bench.project,
        json.dumps({"dataframe_records": [features]}),
        {
            "MLFLOW_TRACKING_URI": "sqlite:///mlruns/mlflow.db",
            "PATH": f"{bench.project / '.venv/bin'}:{environment()['PATH']}",
        },
        "/invocations",
    )
    tensor = {"name": "features", "shape": [1, len(features)], "datatype": "FP32"}
    mlserver = Case(
        MLSERVER,
        [str(bench.mlserver / "bin/mlserver"), "start", "."],
        install_mlserver(bench),
        json.dumps({"inputs": [tensor | {"data": list(features.values())}]}),
        {
            "MLSERVER_HTTP_PORT": "{port}",
            "MLSERVER_GRPC_PORT": str(free_port()),
            "MLSERVER_METRICS_PORT": str(free_port()),
            "MLSERVER_PARALLEL_WORKERS": "0",  # no second process, which takes the least CPU time
            "MLSERVER_DEBUG": "false",
        },
        "/v2/models/rides/infer",
    )
    return [mlflow, mlserver]


def install_mlserver(bench: Bench) -> Path:
    """Install MLServer, and return the folder with the settings of its model."""
    home = bench.folder / "mlserver"
    home.mkdir()
    settings = {
        "name": "rides",
        "implementation": "bench.peers.mlserver_onnx.OnnxModel",
        "parameters": {"uri": str(bench.bundle / "model.onnx")},
    }
    (home / "model-settings.json").write_text(json.dumps(settings))
    subprocess.run(["uv", "venv", "--quiet", str(bench.mlserver)], check=True)
    install = ["uv", "pip", "install", "--quiet", "--python", str(bench.mlserver)]
    subprocess.run([*install, "mlserver", "onnxruntime"], check=True)
    return home


def seconds_to_answer(cases: list[Case], starts: int) -> dict[str, list[float]]:
    """Return the seconds from start to first response, after a start that compiles bytecode."""
    seconds: dict[str, list[float]] = {case.name: [] for case in cases}
    for number in range(starts + 1):
        for case in cases:
            server = Server(case)
            server.stop()
            if number:
                seconds[case.name].append(server.seconds_to_answer)
    return seconds


def measure(servers: list[Server], rounds: int, seconds: int) -> dict[str, list[Load]]:
    """Return each server's load in each round, after a short warm-up round."""
    loads: dict[str, list[Load]] = {server.case.name: [] for server in servers}
    for server in servers:
        put_under_load(server, 1)
    for _ in range(rounds):
        for server in servers:
            loads[server.case.name].append(put_under_load(server, seconds))
    return loads


def ratios(loads: dict[str, list[Load]], name: str, against: str) -> list[float]:
    """Return the ratio of CPU times in each round."""
    pairs = zip(loads[name], loads[against], strict=True)
    return [one.micros / other.micros for one, other in pairs]


def rows(
    loads: dict[str, list[Load]], starts: dict[str, list[float]], sizes: dict[str, float]
) -> list[list[str]]:
    """Return a row for each server."""
    return [
        [
            name,
            f"{median(one.micros for one in measured):.0f}",
            "1" if name == ECHO else spread(ratios(loads, name, ECHO)),
            f"{median(one.p50 for one in measured):.1f}",
            f"{median(one.p99 for one in measured):.1f}",
            f"{sizes[name]:.0f}",
            f"{median(starts[name]):.1f}",
        ]
        for name, measured in loads.items()
    ]


def claims(loads: dict[str, list[Load]], starts: dict[str, list[float]]) -> list[list[str]]:
    """Return the targets, and whether they are met."""
    most = [(OURS, ECHO, 3.0), (OURS, BATCHED, 1.15), (SHADOW, OURS, 1.6)]
    least = [(FASTAPI_ONNX, 2.2), (FASTAPI_SKLEARN, 45), (MLFLOW, 80), (MLSERVER, 5)]
    pairs = zip(starts[OURS], starts[FASTAPI_SKLEARN], strict=True)
    return [
        *(line(f"{one} / {other}", ratios(loads, one, other), most=t) for one, other, t in most),
        *(
            line(f"{one} / {OURS}", ratios(loads, one, OURS), least=t)
            for one, t in least
            if one in loads
        ),
        line(f"first answer: {OURS} / {FASTAPI_SKLEARN}", [a / b for a, b in pairs], most=0.25),
    ]


def line(
    name: str, values: list[float], most: float | None = None, least: float | None = None
) -> list[str]:
    """Return a row with a ratio, its target, and whether it is met."""
    if most is not None:
        return [name, spread(values), f"at most {most:g}", met(median(values) <= most)]
    assert least is not None
    return [name, spread(values), f"at least {least:g}", met(median(values) >= least)]


def met(reached: bool) -> str:
    """Format whether a target is met."""
    return "met" if reached else "missed"


def swap_under_load(bench: Bench) -> Swaps:
    """Return what is wrong with responses while two bundles are released in turn."""
    live = bench.live("swapped")
    bundles = [bench.champion, add_other_bundle(live, bench.champion)]
    with ExitStack() as stops:
        server = Server(bench.service(OURS, live))
        stops.callback(server.stop)
        return asyncio.run(Swapping(server, live, bundles).run())


def rate_of_log(bench: Bench, seconds: int) -> str:
    """Return how many predictions are answered and stored where batches come at full speed."""
    case = bench.service(OURS, bench.live("logged"))
    server = Server(replace(case, body=json.dumps([bench.row] * BATCH)))
    try:
        put_under_load(server, 5)  # until memory is so full that predictions are sampled
        before, start = counts_of(server), time.perf_counter()
        put_under_load(server, seconds)
        after, end = counts_of(server), time.perf_counter()
    finally:
        server.stop()
    answered, stored, left_out = (after[name] - before[name] for name in COUNTS)
    return (
        f"Batches of {BATCH} rows at full speed for {seconds} s: {answered / (end - start):,.0f} "
        f"predictions a second answered, {stored / (end - start):,.0f} stored. For "
        f"{left_out / answered:.0%} a sampled one stands."
    )


def counts_of(server: Server) -> dict[str, float]:
    """Return counters of the service."""
    with urllib.request.urlopen(f"{server.url}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    found = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    return {
        name: sum(float(value) for key, _, value in found if key.startswith(f"{name}_total"))
        for name in COUNTS
    }


def library_versions(bench: Bench) -> dict[str, str]:
    """Return the installed versions, and that of wrk."""
    found = dict(zip(LIBRARIES, bench.python(VERSIONS, *LIBRARIES).split(), strict=True))
    wrk = subprocess.run(["wrk", "-v"], capture_output=True, text=True).stdout
    found["wrk"] = wrk.split()[1].removeprefix("debian/")
    if bench.mlserver.exists():
        found["mlserver"] = printed_by(bench.mlserver, VERSIONS, "mlserver")
    return found


def read_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--seconds", type=int, default=3, help="of load for each server in each round"
    )
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument(
        "--large-peers", action="store_true", help="measure mlflow and, installing it, MLServer"
    )
    return parser.parse_args()


def main() -> None:
    """Measure, and print the tables."""
    arguments = read_arguments()
    if shutil.which("wrk") is None:
        raise SystemExit("error: wrk is missing, which loads the servers: apt install wrk")
    load_before = load()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent)
        projects = folder / "projects"
        projects.mkdir()
        ladder = Ladder(template=snapshot(folder / "template"), folder=projects)
        installation = install_project(ladder.project(3))
        installation.make("pipeline promote deploy")
        bench = Bench(installation, folder)
        cases = cases_of(bench)
        if arguments.large_peers:
            cases += large_cases(bench)
        versions = library_versions(bench)
        starts = seconds_to_answer(cases, arguments.starts)
        with ExitStack() as stops:
            servers = []
            for case in cases:
                servers.append(Server(case))
                stops.callback(servers[-1].stop)
            loads = measure(servers, arguments.rounds, arguments.seconds)
            sizes = {server.case.name: server.resident_mib() for server in servers}
        swaps = swap_under_load(bench)
        rate = rate_of_log(bench, 10 * arguments.seconds)
    print(circumstances(versions))
    print(f"Medians of {arguments.rounds} rounds; load {load_before} before and {load()} after.\n")
    header = ["", "CPU us a request", "times the echo", "p50 ms", "p99 ms", "MiB", "first answer s"]
    print(table(header, rows(loads, starts, sizes)))
    print()
    print(table(["ratio of CPU time", "measured", "target", ""], claims(loads, starts)))
    print(f"\n{swaps}\n\n{rate}")


if __name__ == "__main__":
    main()

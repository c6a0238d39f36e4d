"""A stand-in for make on the PATH, which records how a CI service calls it."""

import os
from dataclasses import dataclass
from pathlib import Path

WATCHED = [
    *("ALLOW_REFUSAL", "CI", "COMPOSE_ENV_FILES", "DATABASE_URL", "FORCE", "IMAGE", "KUBECONFIG"),
    *("LIVE", "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_PASSWORD", "MONTH", "PUSH"),
    *("REGISTRY_TOKEN", "REGISTRY_USER", "SERVICE_TOKEN", "TAG", "UV_PYTHON", "DATA_MONTH"),
]
STAND_IN = f"""\
#!/bin/sh
line=$(printf '%s\\t%s' "$CI_JOB_NAME" "$*")
for name in {" ".join(WATCHED)}; do
    eval "value=\\${{$name-}}"
    if [ -n "$value" ]; then line="$line$(printf '\\t%s=%s' "$name" "$value")"; fi
done
printf '%s\\n' "$line" >> "$RECORD" # at once, because jobs run side by side
case " $* " in
    *" $FAILING "*) exit 3 ;;
    *" image "*) mkdir -p reports && echo 'image=registry/service@sha256:1' > reports/image.env ;;
    *" release "*) mkdir -p dist && echo notes > dist/notes.md ;;
esac
"""


@dataclass(frozen=True)
class Call:
    """A call of make: in which job, with which arguments and environment."""

    job: str
    arguments: str
    environment: dict[str, str]

    @property
    def goals(self) -> list[str]:
        """The targets, without variables."""
        return [word for word in self.arguments.split() if "=" not in word]


@dataclass(frozen=True)
class Recorder:
    """The stand-in, in a folder of its own."""

    folder: Path

    def environment(self, failing: str = "") -> dict[str, str]:
        """Install the stand-in, forget earlier calls, and return the variables that it needs."""
        self.folder.mkdir(exist_ok=True, parents=True)
        program = self.folder / "make"
        program.write_text(STAND_IN, encoding="utf-8")
        program.chmod(0o755)
        (self.folder / "record").write_text("")
        path = f"{self.folder}:{os.environ['PATH']}"
        return {"PATH": path, "RECORD": str(self.folder / "record"), "FAILING": failing or "-"}

    def calls(self) -> list[Call]:
        """Return the calls in their order."""
        found = []
        for line in (self.folder / "record").read_text(encoding="utf-8").splitlines():
            job, arguments, *pairs = line.split("\t")
            found.append(Call(job, arguments, dict(pair.split("=", 1) for pair in pairs)))
        return found

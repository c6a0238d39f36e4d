"""Say whether the template has a newer version: python make/check_update.py [--issue]

With --issue it says so in an issue on GitHub: in one, which a later version writes anew. A version
whose issue was closed is not spoken of again. The project itself is never changed.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

LABEL = "newer-template"
TITLE = "The template has a newer version: "
BODY = """\
This project was made from version {current_version} of its template, which has version \
{latest_version} now. Nothing was changed. What it would change, and how to take it:

```
mlops-ladder upgrade --dry-run
mlops-ladder upgrade
```

Close this issue if you do not want that version; a later one will be told in a new issue.
"""


def output_of(*command: str) -> str:
    """What the command prints; its failure is ours, with the last thing that it said."""
    try:
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        sys.exit(f"error: {command[0]} is missing")
    if finished.returncode != 0:
        reason = finished.stderr.strip().splitlines()[-1:] or ["it did not say why"]
        sys.exit(f"error: {' '.join(command[:2])} failed: {reason[0]}")
    return finished.stdout


def is_out_of_reach(template: str) -> bool:
    """Whether the template is known by a path, and nothing is there."""
    on_the_net = re.match(r"gh:|gl:|git\+|[a-z+]+://|[\w.-]+@[\w.-]+:", template)
    return on_the_net is None and not Path(template).expanduser().exists()


def tell(found: dict[str, Any]) -> None:
    """Write it into the open issue, or into a new one, unless there is one on this version."""
    title, body = TITLE + found["latest_version"], BODY.format(**found)
    fields = ("--label", LABEL, "--state", "all", "--limit", "100", "--json", "number,title,state")
    issues = json.loads(output_of("gh", "issue", "list", *fields))
    opened = [str(issue["number"]) for issue in issues if issue["state"] == "OPEN"]
    if any(issue["title"] == title for issue in issues):
        print("There is an issue on it already.")
    elif opened:
        output_of("gh", "issue", "edit", opened[0], "--title", title, "--body", body)
        output_of("gh", "issue", "comment", opened[0], "--body", f"{title}.")
    else:
        output_of("gh", "label", "create", LABEL, "--force", "--description", TITLE.strip(": "))
        output_of("gh", "issue", "create", "--label", LABEL, "--title", title, "--body", body)


def main() -> None:
    answers = yaml.safe_load(Path(".copier-answers.yml").read_text(encoding="utf-8"))
    template = str(answers["_src_path"])
    if is_out_of_reach(template):
        print(f"The project knows its template as {template}, which cannot be looked up from here.")
        return
    found = json.loads(output_of("copier", "check-update", "--output-format", "json"))
    if not found["update_available"]:
        print("The project has the newest version of its template.")
        return
    print(BODY.format(**found).partition("\n\n")[0])
    if "--issue" in sys.argv[1:]:
        tell(found)


if __name__ == "__main__":
    main()

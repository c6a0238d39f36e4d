"""Report a newer version of the template.

With `--issue` it opens an issue on GitHub, unless there is one about that version, open or closed.
"""

import json
import subprocess
import sys

BODY = """\
Nothing was changed. See what the newer version would change, and take it:

    mlops-ladder upgrade --dry-run
    mlops-ladder upgrade
"""


def output_of(*command: str) -> str:
    """Return what a command prints; its failure ends this one."""
    finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if finished.returncode != 0:
        sys.exit(f"error: {' '.join(command[:2])} failed, as shown above")
    return finished.stdout


def main() -> None:
    """Print the newer version, if there is one."""
    found = json.loads(output_of("copier", "check-update", "--output-format", "json"))
    if not found["update_available"]:
        print("The project has the newest version of its template.")
        return
    title = f"The template has a newer version: {found['latest_version']}"
    print(f"{title}. This project has {found['current_version']}.")
    if "--issue" in sys.argv[1:]:
        search = ("--search", f'"{title}" in:title', "--state", "all", "--json", "title")
        known = json.loads(output_of("gh", "issue", "list", *search))
        if title not in [issue["title"] for issue in known]:
            output_of("gh", "issue", "create", "--title", title, "--body", BODY)


if __name__ == "__main__":
    main()

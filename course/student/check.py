"""Check your tasks, read a lesson or a hint, and climb: `make check`, or this file without make.

python check.py              check the tasks of the levels that you have reached
python check.py 1.2          check one task
python check.py lesson       print the lesson of your level
python check.py hint 1.2     print the next hint for a task
python check.py climb        merge the next level into your project
python check.py update       merge the teacher's fixes of your level
"""

import sys

from course import climb, tasks, terminal


def main(arguments: list[str]) -> int:
    """Run a command and return its exit code: 0 done, 1 not yet, 2 usage error, 3 conflicts."""
    match arguments:
        case []:
            return terminal.check(tasks.reached())
        case ["lesson"]:
            return terminal.lesson()
        case ["climb" | "update" as command, *address] if len(address) < 2:
            return climb.main(command, *address)
        case ["hint", name] if name in tasks.names():
            return terminal.hint(name)
        case [*names] if set(names) <= set(tasks.names()):
            return terminal.check(tasks.named(names))
    print(f"{__doc__}\nThe tasks so far: {', '.join(tasks.names())}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

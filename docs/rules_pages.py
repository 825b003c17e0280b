"""Writes the pages about rights and states from the code: ``python docs/rules_pages.py``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from marketplace_sdk.domain.grants import GRANT_STEPS
from marketplace_sdk.domain.products import PRODUCT_STEPS
from marketplace_sdk.domain.requests import REQUEST_STEPS
from marketplace_sdk.domain.rights import _NEEDS, RIGHTS, ROLES

HERE = Path(__file__).parent / "reference"

RIGHTS_HEAD = """\
# Who may do what

Written from the one table that the checks read, `marketplace_sdk.domain.rights`, by
`docs/rules_pages.py`.

Nothing is inherited: GOVERNANCE manages every domain because its column says so, and decides no
request unless the review flow names it.
Whoever may not see a thing is told that it does not exist, which is `NotFound`;
whoever sees it and may not do this gets `NotAllowed`, whose `needs` says what would be needed.
Jobs (`Marketplace.as_system`) have the four permissions.
They never decide and never ask; neither do service accounts.

## Roles

| role | what makes somebody one |
|---|---|
"""

STATES_HEAD = """\
# States

Written from the tables that the code reads, by `docs/rules_pages.py`.
An event that is not there is refused with `TransitionNotAllowed`, or changes nothing where that
is said.
"""

MACHINES = {
    "An access request": REQUEST_STEPS,
    "A grant": GRANT_STEPS,
    "A data product": PRODUCT_STEPS,
}
SAID = {
    "An access request": """\
Nothing is ever reopened: whoever was denied asks again.
An extension is a request of its own, and the access that it would extend stays as it is.
""",
    "A grant": """\
A grant is *wanted* until a platform has shown that the access is there, and *ending* until one has
shown that it is gone.
What is not in the table changes nothing.
""",
    "A data product": """\
A retired product can be suspended and resumed too; it stays retired.
*Deleting* lasts until the last access has ended on the platforms.
""",
}


def pages() -> Mapping[Path, str]:
    """Both files by their paths."""
    return {HERE / "permissions.md": _rights(), HERE / "states.md": _states()}


def _rights() -> str:
    text = RIGHTS_HEAD + "".join(f"| {_words(role)} | {_NEEDS[role]} |\n" for role in ROLES)
    kinds = dict.fromkeys(action.split(".", 1)[0] for action in RIGHTS)
    for kind in kinds:
        rows = [action for action in RIGHTS if action.startswith(f"{kind}.")]
        roles = [role for role in ROLES if any(role in RIGHTS[action] for action in rows)]
        text += f"\n## {kind.capitalize()}\n\n| to |" + "".join(f" {_words(r)} |" for r in roles)
        text += "\n|---|" + ":-:|" * len(roles) + "\n"
        for action in rows:
            cells = "".join(" yes |" if role in RIGHTS[action] else " |" for role in roles)
            text += f"| `{action}` |{cells}\n"
    return text


def _states() -> str:
    return STATES_HEAD + "".join(
        f"\n## {name}\n\n```text\n{_drawn(steps)}```\n\n{SAID[name]}"
        for name, steps in MACHINES.items()
    )


def _drawn(steps: Mapping[tuple[str, str], str]) -> str:
    """One line for each step, one block for each state; where all ends is said last."""
    state = max(len(before) for before, _ in steps)
    event = max(len(name) for _, name in steps)
    lines = []
    before = ""
    order = list(dict.fromkeys(start for start, _ in steps))
    for (start, name), after in sorted(steps.items(), key=lambda step: order.index(step[0][0])):
        first = "" if start == before else start
        lines.append(f"{first:<{state}} -- {name} {'-' * (event - len(name))}--> {after}\n")
        before = start
    ends = sorted(set(steps.values()) - {start for start, _ in steps})
    return "".join(lines) + f"\nends: {', '.join(ends)}\n"


def _words(role: str) -> str:
    return {"user_admin": "USER_ADMIN", "application_admin": "APPLICATION_ADMIN"}.get(
        role, role.upper() if role in ("governance", "audit") else role
    )


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")

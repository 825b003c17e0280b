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

Written and drawn from the tables that the code reads, by `docs/rules_pages.py` and
`docs/pictures.py`.
States in dashed boxes are final.
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
        f"\n## {name}\n\n![{name}: its states](../pictures/states-{name.split()[-1]}.svg)\n\n"
        f"| from | on | to |\n|---|---|---|\n{_rows(steps)}\n{SAID[name]}"
        for name, steps in MACHINES.items()
    )


def _rows(steps: Mapping[tuple[str, str], str]) -> str:
    """One row for each step, those of one state together."""
    order = list(dict.fromkeys(before for before, _ in steps))
    return "".join(
        f"| {before} | {event} | {after} |\n"
        for (before, event), after in sorted(
            steps.items(), key=lambda step: order.index(step[0][0])
        )
    )


def _words(role: str) -> str:
    return {"user_admin": "USER_ADMIN", "application_admin": "APPLICATION_ADMIN"}.get(
        role, role.upper() if role in ("governance", "audit") else role
    )


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")

"""The ``escalate`` action: the matter goes up, and both sides know."""

from __future__ import annotations

from collections.abc import Callable

import duly


class Escalate(duly.Action):
    """Hands the case up: tells those above, and whoever had it so far."""

    name = "escalate"
    idempotent = True  # what it asks for is carried out once, with its verdict

    def run(self, task: duly.Task) -> duly.Verdict:
        """Tell everybody named, make the first of them in charge, and tell the former holder."""
        if not task.people:
            return duly.Rejected(f"“{task.audience}” names nobody to escalate to")
        for person in task.people:
            task.tell(person)
        task.hand_to(task.people[0])
        told = {(person.staff, person.id) for person in task.people}
        if task.holder and (task.holder.staff, task.holder.id) not in told:
            task.tell(task.holder, text="escalated")
        return duly.Accepted()


@duly.hookimpl
def register_actions(register: Callable[[type[duly.Action]], None]) -> None:
    """Offer the action."""
    register(Escalate)

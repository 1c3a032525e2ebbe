"""The ``escalate`` action."""

import pytest

import duly
import duly_escalate

LIN = duly.Person("lin", "林", staff=True)
BOSS = duly.Person("boss", "Boss", staff=True)
DEPUTY = duly.Person("deputy", "Deputy", staff=True)


def task(*people: duly.Person, holder: duly.Person | None = None) -> duly.Task:
    """Make a task that goes up to people."""
    return duly.Task("1", "orders/late", "manager of logistics", people, holder, {})


@pytest.fixture
def escalate():
    """Make the action."""
    return duly_escalate.Escalate(duly_escalate.Escalate.Config())


def test_it_goes_up_and_both_sides_know(escalate):
    """Those above are told in the step's words, the first is in charge, the former holder hears that it went up."""
    work = task(BOSS, DEPUTY, holder=LIN)
    assert escalate.run(work) == duly.Accepted()
    assert work.told == [duly.Tell(BOSS), duly.Tell(DEPUTY), duly.Tell(LIN, text="escalated")]
    assert work.handed_to == BOSS


@pytest.mark.parametrize("holder", [None, BOSS, DEPUTY])
def test_nobody_is_told_twice(escalate, holder):
    """A holder who is told anyway, or whom there is not, gets no second message."""
    work = task(BOSS, DEPUTY, holder=holder)
    escalate.run(work)
    assert work.told == [duly.Tell(BOSS), duly.Tell(DEPUTY)]


def test_a_person_of_the_record_of_the_same_id_is_somebody_else(escalate):
    """Ids are stable within their kind only: a customer called like the boss is not the boss."""
    customer = duly.Person("boss", "Ms Boss")
    work = task(BOSS, holder=customer)
    escalate.run(work)
    assert work.told == [duly.Tell(BOSS), duly.Tell(customer, text="escalated")]


def test_an_empty_audience_is_said(escalate):
    """With nobody above there is a sentence, and the case stays where it is."""
    work = task(holder=LIN)
    assert escalate.run(work) == duly.Rejected("“manager of logistics” names nobody to escalate to")
    assert (work.told, work.handed_to) == ([], None)

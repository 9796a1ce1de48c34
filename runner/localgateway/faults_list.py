"""Faults of the list of jobs, where there is one."""

from runner.localgateway.app import App
from runner.localgateway.catalogue import Shelf
from runner.localgateway.course import Course, shown, with_fields
from runner.localgateway.wire import Answer, Request

SHELF = Shelf()
fault = SHELF.fault


@fault("F058", route="list")
def list_loop(course: Course) -> None:
    """`has_more` is always true and the cursor goes round in circles."""
    course.hide = (*course.hide, "after")
    course.bends.append(lambda answer, app, request: with_fields(answer, has_more=True))


@fault("F058", route="list")
def list_repeats(course: Course) -> None:
    """Each item comes twice."""

    def bend(answer: Answer, app: App, request: Request) -> Answer:
        return with_fields(answer, data=[i for item in shown(answer)["data"] for i in (item, item)])

    course.bends.append(bend)


@fault("F058", route="list")
def list_unsorted(course: Course) -> None:
    """Items stand in no order of time."""

    def bend(answer: Answer, app: App, request: Request) -> Answer:
        return with_fields(answer, data=sorted(shown(answer)["data"], key=lambda i: str(i["id"])))

    course.bends.append(bend)


@fault("F058", route="list")
def list_truncated(course: Course, *, items: int = 1) -> None:
    """Only the first `items`, and `has_more` is false."""

    def bend(answer: Answer, app: App, request: Request) -> Answer:
        return with_fields(answer, data=shown(answer)["data"][:items], has_more=False)

    course.bends.append(bend)


@fault("F058", route="list")
def list_crowded(course: Course, *, items: int = 10_050) -> None:
    """`items` jobs of other people stand before ours, all on one page."""

    def bend(answer: Answer, app: App, request: Request) -> Answer:
        other = {"object": "video", "status": "completed", "model": "sora-2", "prompt": "theirs"}
        crowd = [other | {"id": f"other-{n}"} for n in range(items)]
        return with_fields(answer, data=crowd + shown(answer)["data"])

    course.bends.append(bend)

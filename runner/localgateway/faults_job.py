"""Faults of the vendor: what becomes of a job, and of its film."""

from msgspec.structs import replace

from runner.localgateway.answers import error_answer, film_answer
from runner.localgateway.app import App
from runner.localgateway.ask import Refusal
from runner.localgateway.catalogue import Shelf
from runner.localgateway.course import Course, with_fields
from runner.localgateway.jobs import Failure, Job
from runner.localgateway.wire import Answer, Request

SHELF = Shelf()
fault = SHELF.fault


def _bound_to_fail(course: Course, failure: Failure) -> None:
    def change(job: Job) -> None:
        job.fate = failure

    course.changes.append(change)


@fault("F043", route="submit")
def failed_at_once(course: Course) -> None:
    """202, and the answer to the POST already says failed."""

    def change(job: Job) -> None:
        job.fate = Failure("Video generation failed", at=0)

    course.changes.append(change)
    course.bends.append(lambda answer, app, request: replace(answer, status=202))


@fault("F068", route="submit")
def fail_moderation(course: Course, *, at: float = 1.0, billed: bool = False) -> None:
    """Fails for content policy, `at` this part of the render time."""
    message = "Video generation failed due to content policy violation"
    _bound_to_fail(course, Failure(message, "content_policy_violation", billed, at))


@fault("F069", route="submit")
def fail_capacity(course: Course, *, at: float = 1.0, billed: bool = False) -> None:
    """Fails because the vendor is busy."""
    message = "The model is overloaded, please try again later"
    _bound_to_fail(course, Failure(message, "capacity", billed, at))


@fault("F068", "F070", route="submit")
def fail_unknown(course: Course, *, at: float = 1.0, billed: bool = False) -> None:
    """Fails without a reason; `billed`: and is charged."""
    _bound_to_fail(course, Failure("Video generation failed", "internal_error", billed, at))


@fault("F080", route="submit")
def fail_input(course: Course, *, at: float = 0.2) -> None:
    """Fails because the vendor cannot fetch or read a reference."""
    message = "Failed to download image from the given url"
    _bound_to_fail(course, Failure(message, "invalid_image", at=at))


@fault("F070", route="content")
def withheld(course: Course) -> None:
    """Completed and charged, but the film is never handed out: 403."""
    refusal = Refusal(403, "The output was withheld for policy reasons.", code="output_blocked")
    course.instead = error_answer(refusal)


@fault("F071", route="submit")
def render_time(course: Course, *, seconds: float = 0.0) -> None:
    """This job takes so long."""

    def change(job: Job) -> None:
        job.render_seconds = seconds

    course.changes.append(change)


@fault("F071", route="submit")
def stuck(course: Course) -> None:
    """This job never ends."""

    def change(job: Job) -> None:
        job.stuck = True

    course.changes.append(change)


@fault("F072", route="delete")
def cancel_refused(course: Course) -> None:
    """DELETE is refused because the job is running: 400 cancel_failed."""
    course.instead = error_answer(Refusal(400, "The task is running.", code="cancel_failed"))


@fault("F057", route="delete")
def delete_says(course: Course, *, status: int = 204) -> None:
    """DELETE is answered with this status and no body; nothing is deleted."""
    course.instead = Answer(status)


def _different(course: Course, name: str, value: object) -> None:
    def change(job: Job) -> None:
        job.changes[name] = value

    course.changes.append(change)


@fault("F073", route="submit")
def wrong_seconds(course: Course, *, seconds: float = 3.0) -> None:
    """The film is this long, whatever was asked."""
    _different(course, "seconds", seconds)


@fault("F073", route="submit")
def wrong_size(course: Course, *, width: int = 640, height: int = 360) -> None:
    """The film has this size, whatever was asked."""
    _different(course, "size", (width, height))


@fault("F073", route="submit")
def silent(course: Course) -> None:
    """The film has no sound."""
    _different(course, "audio", False)


@fault("F073", route="submit")
def black(course: Course) -> None:
    """The film is black."""
    _different(course, "black", True)


@fault("F074", route="content")
def same_film(course: Course) -> None:
    """Every job has the first job's film."""

    def bend(answer: Answer, app: App, request: Request) -> Answer:
        return film_answer(request, next(iter(app.jobs.values())))

    course.bends.append(bend)


@fault("F075", route="content")
def changing_film(course: Course) -> None:
    """The bytes, and the ETag with them, are different at each download."""
    count = course.count

    def bend(answer: Answer, app: App, request: Request) -> Answer:
        job = app.find(request)
        assert job.film is not None
        mark = b"\x00\x00\x00\x0cfree" + count.to_bytes(4, "big")
        film = replace(job.film, tail=job.film.tail + mark, etag=f'"changed-{count}"', zeros=0)
        return film_answer(request, job, film)

    course.bends.append(bend)


@fault("F077", route="status")
def billed_as(course: Course, *, cost: str = "9.99") -> None:
    """Polls say what was billed, and it is not what was expected."""
    usage = {"cost": cost, "currency": "USD"}
    course.bends.append(lambda answer, app, request: with_fields(answer, usage=usage))


@fault("F078", route="submit")
def model_withdrawn(course: Course) -> None:
    """The vendor has taken the model off the market: 404 model_not_found."""
    refusal = Refusal(404, "The model does not exist.", param="model", code="model_not_found")
    course.instead = error_answer(refusal)


@fault("F080", route="submit")
def reference_refused(course: Course) -> None:
    """A reference cannot be read, said at once: 400; no job."""
    refusal = Refusal(400, "The image url cannot be accessed.", code="invalid_image_url")
    course.instead = error_answer(refusal)

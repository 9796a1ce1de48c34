"""The loop, in plain sight: start what may start, wait for one thing, settle it.

No take starts another one. What a take does is `perform`, top to bottom; who may start is
`Board`; how fast is the limiter's. If work is left and nothing can run, that is a bug and says so.
"""

import asyncio

from runner.executor.board import Board, Work
from runner.executor.parts import Options, Parts
from runner.executor.perform import again, perform, pick_up
from runner.executor.run import Run
from runner.executor.settle import forgotten, recover
from runner.executor.stop import Stop
from runner.model import Action, Facts, Outcome, Plan, Status, Step, Storyboard

Running = dict["asyncio.Task[Outcome]", Work | None]  # None: a job that no step waits for
Done = asyncio.Queue["asyncio.Task[Outcome] | None"]  # None: somebody asked to stop
FREE = (Action.REUSE, Action.RESTORE)


async def execute(
    plan: Plan,
    storyboard: Storyboard,
    facts: Facts,
    parts: Parts,
    options: Options,
    stop: Stop | None = None,
) -> list[Outcome]:
    """Carries the plan out; an outcome for every step, in the plan's order.

    To be called by the holder of the project's lock. A failed take blocks only what hangs on it;
    a take in doubt or over budget is UNDECIDED; after a stop what is left is INTERRUPTED.
    Raises Outside when the journal cannot be written.
    """
    stop = stop or Stop()
    run = Run(storyboard.path, facts, parts, options)
    await recover(run)
    board = Board(plan, storyboard, run.lasts, parts.clock.monotonic)
    done, running = Done(), Running()
    stop.on_request(lambda: done.put_nowait(None))
    try:
        for attempt in forgotten(run, plan):
            launch(running, done, asyncio.create_task(pick_up(run, attempt)), None)
        while (board.unfinished or running) and not stop.asked:
            start(run, board, running, done)
            if running:
                settle_next(run, board, running, await done.get())
            elif board.unfinished:
                raise AssertionError("work is left but nothing can run")
    finally:
        await wind_up(run, running, stop)
    for work in list(board.unsettled):
        close_off(run, board, work, interrupted(work.step))
    return board.outcomes()


def start(run: Run, board: Board, running: Running, done: Done) -> None:
    """Everything that may start now. What needs no wire is settled on the spot."""

    def room(vendor: str) -> int:
        return min(run.options.jobs - len(running), run.parts.limiter(vendor).room)

    while ready := next(board.startable(room), None):
        work = decided(run, ready)
        outcome = at_once(run, work.step)
        if outcome is not None:
            close_off(run, board, work, outcome)
        elif not board.twin(work):
            run.parts.limiter(work.shot.vendor).enter()
            run.parts.progress.started(work.step)
            launch(running, done, asyncio.create_task(perform(run, work)), work)


def launch(running: Running, done: Done, task: "asyncio.Task[Outcome]", work: Work | None) -> None:
    running[task] = work
    task.add_done_callback(done.put_nowait)


def decided(run: Run, work: Work) -> Work:
    """What is not there yet is judged again when its turn comes.

    Inputs that were waited for may have come out as before; an answer in doubt may have been
    found; what an earlier run could only save in the reserve may turn out to be the take.
    A job that is known needs no judging: it is collected whatever it was rendered from.
    """
    step = work.step
    known = step.action is Action.RESUME and (step.result or step.fingerprint in run.running)
    return work if step.action in FREE or known else again(run, work)


def at_once(run: Run, step: Step) -> Outcome | None:
    """The outcome of a step that needs neither wire nor money."""
    match step.action:
        case action if action in FREE:
            return Outcome(step, Status.DONE, step.result)
        case Action.BLOCKED if step.fingerprint not in run.doubtful:
            return Outcome(step, Status.BLOCKED, detail=step.reason)
        case Action.WAIT:
            return Outcome(step, Status.BLOCKED, detail=step.reason)
        case Action.RENDER if run.closed:
            return Outcome(step, Status.BLOCKED, detail=run.closed)
        case _:
            return None


def settle_next(
    run: Run, board: Board, running: Running, task: "asyncio.Task[Outcome] | None"
) -> None:
    """Settles the task that has ended. A bug in it ends the run, in good order."""
    if task is None:
        return
    work = running.pop(task)
    outcome = task.result()
    if work is None:
        run.parts.progress.note(f"{outcome.step.shot}: {outcome.detail}")
        return
    run.parts.limiter(work.shot.vendor).leave()
    if outcome.status is Status.FAILED and not run.options.keep_going:
        run.close("stopped at the first failure (--fail-fast)")
    close_off(run, board, work, outcome)


def close_off(run: Run, board: Board, work: Work, outcome: Outcome) -> None:
    """The one door through which every take leaves."""
    for settled, its in board.settle(work, outcome):
        if settled.keeper and its.result:
            run.kept[settled.shot.id] = its.result.sha256
        run.parts.progress.finished(its)


async def wind_up(run: Run, running: Running, stop: Stop) -> None:
    """Lets go of everything. A POST on its way is awaited, unless all must stop at once."""
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    if run.posting and stop.asked:
        run.parts.progress.note("waiting for the answer to what was just sent; again to leave now")
    hurry = asyncio.ensure_future(stop.hurry.wait())
    while run.posting and not stop.hurry.is_set():
        await asyncio.wait({*run.posting, hurry}, return_when=asyncio.FIRST_COMPLETED)
    if run.posting:
        run.parts.progress.note("left without an answer: reelmake status says what is in doubt")
    rest = [*run.posting, hurry]
    for late in rest:
        late.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


def interrupted(step: Step) -> Outcome:
    return Outcome(step, Status.INTERRUPTED, detail="stopped; the next run goes on from here")

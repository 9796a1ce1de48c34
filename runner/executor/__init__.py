"""Carries out a plan: the only part that spends money.

loop       start what may start, wait for one thing, settle it
perform    what becomes of one take
board      which take may start, in which order
submit     admission, intent, one POST, receipt, verdict
shelving   downloads that land together go into the store together
collect    poll, download, check, store
settle     what an earlier run left behind: open intents, answers in doubt
listed     a doubt settled by the list of jobs
review     asked, answered and rendered, side by side
receipt    the saved form of an answer
stop       Ctrl-C
run        what all takes of one run share
parts      what is handed in
"""

from runner.executor.loop import execute
from runner.executor.parts import Options, Parts
from runner.executor.stop import Stop, listening

__all__ = ["Options", "Parts", "Stop", "execute", "listening"]

"""The wire: one POST for a job, polite GETs for its state, a checked download of its result.

profile   what is known of a gateway, read from data (fields: key by key, unknown keys refused)
body      a vendor's body in the gateway's dialect, as bytes
client    the calls; takes no decision, raises nothing for what the far side does
wire      one exchange: bounded in time and bytes, never repeated, never redirected
direct    an httpx transport that stays fast with many connections
receipt   what came back, bounded and without secrets
answer    reads the JSON of strangers
filing    what an answer, or its absence, proves
listing   the account's jobs, to find a lost one
download  a result, whole or not at all (part: the file while it is unfinished)
limits    how fast we may go
polling   when to look next
"""

import sys

# httpx loads its own command line where rich and pygments are there for it: a tenth of a second
# for something nobody here calls. It does without where that cannot be loaded.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

"""The wire: one POST for a job, polite GETs for its state, a checked download of its result.

fields    a mapping, read key by key, unknown keys refused
profile   what is known of a gateway, read from data
body      a vendor's body in the gateway's dialect, as bytes
client    the three calls; takes no decision, raises nothing for what the far side does
filing    what an answer, or its absence, proves
limits    how fast we may go
polling   when to look next
download  a result, whole or not at all
"""

"""What holds for every test."""

from hypothesis import HealthCheck, settings

# How long an example takes, and how fast examples are drawn, says how busy the machine is.
# Examples are the same each time, so that a failure tells of the commit and not of the day;
# `pytest --hypothesis-profile=wander` looks for new ones.
on_any_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", on_any_machine, max_examples=40, derandomize=True)
settings.register_profile("thorough", on_any_machine, max_examples=400, derandomize=True)
settings.register_profile("wander", on_any_machine, max_examples=1000)
settings.load_profile("quick")

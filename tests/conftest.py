"""What holds for every test."""

from hypothesis import HealthCheck, settings

# How long an example takes, and how fast examples are drawn, says how busy the machine is.
on_any_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", on_any_machine, max_examples=40)
settings.register_profile("thorough", on_any_machine, max_examples=400)  # `make prove`
settings.load_profile("quick")

"""Opens a project and wires the real parts once. Never knows which command is running.

settings   `reelmake.yaml`, checked
endpoint   which gateway is meant, with which key
opened     root, paths, catalogue, prices; a storyboard with its facts and plan
idle       the marks of a command that found nothing to do
excerpt    after a small change: the plan of what changed
wiring     the parts an executor needs
placing    takes on their way to where people look for them
"""

from runner.project.endpoint import Endpoint, choose
from runner.project.opened import Film, Project, open_project, project_here
from runner.project.settings import Settings

__all__ = ["Endpoint", "Film", "Project", "Settings", "choose", "open_project", "project_here"]

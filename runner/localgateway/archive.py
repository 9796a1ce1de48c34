"""Jobs that survive a restart of the gateway: one small file each, read when somebody asks.

The in-process gateway ends with the run it serves, and the run may end by Ctrl-C; the next run
polls the same job id. What is kept is the request itself, so the film can be drawn again.
"""

import base64
import contextlib
import hashlib
import json
import time
from pathlib import Path

from msgspec import Struct

from runner.localgateway.jobs import Job
from runner.localgateway.wire import Request


class Kept(Struct, frozen=True):
    request: Request
    created: float
    render_seconds: float


class Archive:
    """A folder of accepted requests, by a digest of the job's id."""

    def __init__(self, folder: Path | None, retention: float) -> None:
        self._folder = folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            oldest = time.time() - retention
            for file in folder.glob("*.json"):
                with contextlib.suppress(OSError):
                    if file.stat().st_mtime < oldest:
                        file.unlink()

    def _file(self, job_id: str) -> Path | None:
        if self._folder is None:
            return None
        return self._folder / f"{hashlib.sha256(job_id.encode()).hexdigest()[:32]}.json"

    def put(self, job: Job, request: Request) -> None:
        """Keep an accepted job; before its answer leaves."""
        file = self._file(job.id)
        if file is None:
            return
        line = {
            "type": request.headers.get("content-type", ""),
            "shot": job.shot,
            "created": job.created,
            "render_seconds": job.render_seconds,
            "body": base64.b64encode(request.body).decode(),
        }
        half = file.with_suffix(".part")
        half.write_text(json.dumps(line))
        half.replace(file)

    def get(self, job_id: str) -> Kept | None:
        """A job of an earlier life, or None."""
        file = self._file(job_id)
        if file is None:
            return None
        try:
            line = json.loads(file.read_text())
            headers = {"content-type": line["type"], "x-reelmake-shot": line["shot"]}
            body = base64.b64decode(line["body"])
            request = Request("POST", "/v1/videos", headers, body)
            return Kept(request, line["created"], line["render_seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

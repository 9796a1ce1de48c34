"""Local media for vendors that take nothing but URLs: uploaded under their digest, read by URL."""

import hashlib
import tempfile
from pathlib import Path

from runner.media.magic import guess
from runner.model import JSON
from runner.store.bucket import Bucket, Pace

TYPE_NAMES = {
    "s3": "ContentType",
    "s3a": "ContentType",
    "gs": "content_type",
    "gcs": "content_type",
}
EXTENSIONS = {  # vendors look at the end of a URL, and the platform's own table differs by system
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/bmp": ".bmp",
    "image/tiff": ".tiff",
    "image/heic": ".heic",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
    "audio/mp4": ".m4a",
}


class Publisher:
    """A bucket and the public URL that shows it (`publish:` in reelmake.yaml)."""

    def __init__(self, bucket: Bucket, url: str) -> None:
        self._bucket = bucket
        self._url = url.rstrip("/")

    def publish(self, data: bytes) -> str:
        """The public URL of a medium, uploaded unless its bytes are there already.

        Raises `Outside` where it cannot be uploaded.
        """
        mime = guess(data[:512])
        key = hashlib.sha256(data).hexdigest() + EXTENSIONS.get(mime, "")
        if self._bucket.size(key) != len(data):
            name = TYPE_NAMES.get(self._bucket.protocol)
            about: dict[str, JSON] = {name: mime} if name and mime else {}
            with tempfile.NamedTemporaryFile(prefix="reelmake-") as file:
                file.write(data)
                file.flush()
                self._bucket.upload(Path(file.name), key, **about)
        return f"{self._url}/{key}"


def open_publisher(to: str, url: str, *, rate: float | None = None) -> Publisher:
    """Uploads below the fsspec URL `to`, which the public sees at `url`. Nothing is contacted."""
    return Publisher(Bucket(to, pace=Pace(rate)), url)

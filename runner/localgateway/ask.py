"""What a checked body asks for, and how a refusal looks."""

from typing import Literal

from msgspec import Struct

Role = Literal["first_frame", "last_frame", "base_video", "reference"]
Kind = Literal["image", "video", "audio"]


class Medium(Struct, frozen=True):
    """One piece of media in a body: its bytes, or a URL this gateway never opens."""

    role: Role
    kind: Kind
    data: bytes = b""
    url: str = ""


class Ask(Struct, frozen=True):
    """A body that passed the checks, in one vocabulary for all vendors.

    `seconds` and the pixels are what the film will really have; `field` names are gone.
    """

    model: str
    vendor: str
    prompt: str
    seconds: float
    width: int
    height: int
    audio: bool
    media: tuple[Medium, ...] = ()
    size: str = ""  # as it was asked for, for the echo

    def medium(self, role: Role) -> Medium | None:
        return next((m for m in self.media if m.role == role), None)


class Refusal(Exception):
    """The gateway says no before any job exists. Becomes the error envelope of an answer."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.kind = kind


class UnreadableImage(Exception):
    """An image in the body cannot be decoded; the job fails, as it would at a vendor's."""

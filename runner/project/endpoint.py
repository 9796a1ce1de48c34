"""Which gateway is meant, and with which key.

A flag wins over `REELMAKE_GATEWAY`, that over the storyboard, that over `reelmake.yaml`. Where
nobody says anything it is AiHubMix if its key is set, and the local gateway otherwise; asking for
a gateway by flag or environment without its key is an error, never a silent preview.
"""

import re
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from runner.errors import BadInput
from runner.gateway.profile import Profile, is_loopback, read_profile
from runner.model import JSON
from runner.schema.data import data_file, data_files
from runner.source import read_yaml

VARIABLE = "REELMAKE_GATEWAY"
URL_KEY = "REELMAKE_API_KEY"
POLL = "REELMAKE_POLL_SECONDS"  # a fixed interval, for self-hosted servers and tests
RENDER = "REELMAKE_RENDER_SECONDS"  # how long the built-in gateway pretends to render
DEFAULT = "aihubmix"
LOCAL = "local"


class Endpoint(Struct, frozen=True):
    """A gateway as this run will use it. The key is never shown."""

    profile: Profile
    key: str = ""
    note: str = ""  # one line about the choice, where it may surprise

    def __repr__(self) -> str:
        return f"Endpoint({self.name!r})"

    @property
    def preview(self) -> bool:
        """Whether it is the built-in gateway, whose slates never stand where a paid shot stands."""
        return self.profile.name == LOCAL

    @property
    def name(self) -> str:
        return self.profile.name


def choose(
    flag: str | None,
    storyboard: str | None,
    settings: Mapping[str, JSON],
    environ: Mapping[str, str],
) -> Endpoint:
    """The gateway to use. Raises BadInput for an unknown name, a bad URL or a missing key."""
    demanded = flag or environ.get(VARIABLE)
    wanted = demanded or storyboard or settings.get("gateway") or DEFAULT
    endpoint = open_endpoint(str(wanted), settings, environ)
    if endpoint.preview or endpoint.key or not endpoint.profile.key_variable:
        return endpoint
    variable = endpoint.profile.key_variable
    if demanded:
        raise BadInput(
            f"the gateway {wanted} needs a key, and {variable} is not set",
            do=f"export {variable}=…, or use --gateway {LOCAL} (free, renders slates)",
        )
    note = f"{variable} is not set: rendering free slates on the local gateway"
    return replace(open_endpoint(LOCAL, settings, environ), note=note)


def open_endpoint(name: str, settings: Mapping[str, JSON], environ: Mapping[str, str]) -> Endpoint:
    """A profile by its name or at a base URL, with its key from the environment."""
    name = with_scheme(name, gateway_names(settings))
    if "://" in name:
        profile = replace(profile_named(DEFAULT, settings), name=urlsplit(name).netloc)
        # Published limits are those of the vendors' accounts behind AiHubMix, not of this server.
        profile = replace(profile.at(name), key_variable=URL_KEY, limits={})
        if is_loopback(urlsplit(name).hostname or ""):
            # A server on this machine costs nothing to ask: look as often as at the built-in one.
            profile = replace(profile, poll=profile_named(LOCAL, settings).poll)
        return Endpoint(profile, key_in(environ, URL_KEY))
    profile = profile_named(name, settings)
    if profile.base_url_variable and (url := environ.get(profile.base_url_variable)):
        profile = profile.at(url)
    variable = profile.key_variable
    return Endpoint(profile, key_in(environ, variable) if variable else "")


def with_scheme(name: str, known: Collection[str]) -> str:
    """A server by host or host:port, as messages name one that was given by its URL, as a URL."""
    if name in known or "://" in name or not re.fullmatch(r"[\w.-]+[.:][\w.:/-]+", name):
        return name
    host = urlsplit(f"//{name}").hostname or ""
    return f"{'http' if is_loopback(host) else 'https'}://{name}"


def key_in(environ: Mapping[str, str], variable: str) -> str:
    """A key as it is sent: HTTP drops blanks around it, and so must whoever looks out for it."""
    return environ.get(variable, "").strip()


def shipped() -> set[str]:
    return {path.stem for path in data_files("gateways/*.yaml")}


def gateway_names(settings: Mapping[str, JSON]) -> list[str]:
    """Every gateway that can be named: those that ship, and the project's own."""
    return sorted(shipped() | set(settings.get("gateways") or {}))


def profile_named(name: str, settings: Mapping[str, JSON]) -> Profile:
    """A shipped profile, or one of the project's own laid over it."""
    own = settings.get("gateways") or {}
    known = gateway_names(settings)
    if name not in known:
        raise BadInput(
            f"there is no gateway {name!r}", do=f"one of: {', '.join(known)}; or a base URL"
        )
    file = f"gateways/{DEFAULT if name in own and name not in shipped() else name}.yaml"
    data, _ = read_yaml(data_file(file).read_bytes(), file)
    changes = {"name": name, **own.get(name, {})}
    return read_profile({**data, **changes}, "reelmake.yaml" if name in own else file)


def seconds_in(environ: Mapping[str, str], variable: str) -> float | None:
    """The seconds a variable says, if it says any. Raises BadInput for what is no time."""
    text = environ.get(variable)
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 86_400:
        raise BadInput(f"{variable} is {text!r}", do="a number of seconds, like 0.5")
    return seconds

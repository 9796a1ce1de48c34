"""The gateway's own table of models: durations, sizes, sound and a list price each.

Written from the gateway's page and the vendors' pages, apart from the client's catalogue, so that
a mistake in one of them shows as a refusal here. Prices are USD and of the order of the vendors'
lists; they feed the ledger and nothing else.
"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

Size = tuple[int, int]
Sound = Literal["always", "never", "default_on", "default_off"]


class Model(Struct, frozen=True):
    """One model. `sizes` maps what may stand in `size` to the pixels that come back."""

    name: str
    vendor: str
    seconds: tuple[int, ...]
    default_seconds: int
    sizes: Mapping[str, Size]
    default_size: str
    rate: Mapping[int, str]  # short side in pixels -> USD a second
    sound: Sound = "never"
    first_frame: bool = True
    needs_image: bool = False
    known: bool = True  # False: a name of this vendor that is not in the table


def _pixels(*names: str) -> dict[str, Size]:
    return {name: (int(name.split("x")[0]), int(name.split("x")[1])) for name in names}


def _sora() -> list[Model]:
    sizes = _pixels("720x1280", "1280x720", "1024x1792", "1792x1024")
    plain = Model("sora-2", "sora", (4, 8, 12), 4, sizes, "720x1280", {720: "0.10", 1024: "0.30"})
    plain = replace(plain, sound="always")
    pro = replace(plain, name="sora-2-pro", rate={720: "0.30", 1024: "0.50"})
    dated = [replace(plain, name=f"sora-2-2025-{day}") for day in ("10-06", "12-08")]
    return [plain, pro, *dated, replace(pro, name="sora-2-pro-2025-10-06")]


def _veo() -> list[Model]:
    hd = {"720p": (1280, 720), "1080p": (1920, 1080)} | _pixels(
        "1280x720", "720x1280", "1920x1080", "1080x1920"
    )
    uhd = hd | {"4k": (3840, 2160)} | _pixels("3840x2160", "2160x3840")
    full = Model(
        "veo-3.1-generate-preview", "veo", (4, 6, 8), 8, uhd, "720p",
        {720: "0.40", 1080: "0.40", 2160: "0.60"}, "default_on",
    )  # fmt: skip
    fast = replace(
        full,
        name="veo-3.1-fast-generate-preview",
        rate={720: "0.10", 1080: "0.12", 2160: "0.30"},
    )
    lite = replace(
        full,
        name="veo-3.1-lite-generate-preview",
        rate={720: "0.05", 1080: "0.08", 2160: "0.08"},
    )
    three = replace(full, name="veo-3.0-generate-preview", first_frame=False)
    two = Model(
        "veo-2.0-generate-001", "veo", (5, 6, 7, 8), 8,
        {name: size for name, size in hd.items() if min(size) == 720}, "720p",
        {720: "0.50"}, first_frame=False,
    )  # fmt: skip
    return [full, fast, lite, three, two]


_WAN_480 = _pixels("832x480", "480x832", "624x624")
_WAN_720 = _pixels("1280x720", "720x1280", "960x960", "1088x832", "832x1088")
_WAN_1080 = _pixels("1920x1080", "1080x1920", "1440x1440", "1632x1248", "1248x1632")


def _wan() -> list[Model]:
    rows = [
        ("wan2.7", "", tuple(range(2, 16)), _WAN_720 | _WAN_1080, "1280x720",
         {720: "0.10", 1080: "0.15"}, "always"),
        ("wan2.6", "", tuple(range(2, 16)), _WAN_720 | _WAN_1080, "1280x720",
         {720: "0.10", 1080: "0.15"}, "always"),
        ("wan2.5", "-preview", (5, 10), _WAN_480 | _WAN_720 | _WAN_1080, "1280x720",
         {480: "0.05", 720: "0.10", 1080: "0.15"}, "always"),
        ("wan2.2", "-plus", (5,), _WAN_480 | _WAN_1080, "",
         {480: "0.0192", 1080: "0.0959"}, "never"),
    ]  # fmt: skip
    models = []
    for version, tail, seconds, sizes, default, rate, sound in rows:
        text = Model(
            f"{version}-t2v{tail}", "wan", seconds, 5, sizes, default, rate,
            "always" if sound == "always" else "never", first_frame=False,
        )  # fmt: skip
        image = replace(text, name=f"{version}-i2v{tail}", first_frame=True, needs_image=True)
        models += [text, image]
    return models


def _jimeng() -> list[Model]:
    sizes = {
        "16:9": (1920, 1088), "9:16": (1088, 1920), "4:3": (1664, 1248), "3:4": (1248, 1664),
        "1:1": (1440, 1440), "21:9": (2176, 928), "1920x1080": (1920, 1088),
        "1080x1920": (1088, 1920), **_pixels("1664x1248", "1248x1664", "1440x1440", "2176x928"),
    }  # fmt: skip
    pro = Model("jimeng-3.0-pro", "jimeng", (5, 10), 5, sizes, "16:9", {928: "0.137"})
    return [
        pro,
        replace(pro, name="jimeng-3.0-1080p", rate={928: "0.086"}),
        replace(pro, name="jimeng-3.0-720p", rate={928: "0.038"}),
    ]


SEEDANCE_SIZES: Mapping[str, Mapping[str, Size]] = MappingProxyType(
    {
        "480p": {"16:9": (864, 496), "4:3": (752, 560), "1:1": (640, 640),
                 "3:4": (560, 752), "9:16": (496, 864), "21:9": (992, 432)},
        "720p": {"16:9": (1280, 720), "4:3": (1112, 834), "1:1": (960, 960),
                 "3:4": (834, 1112), "9:16": (720, 1280), "21:9": (1470, 630)},
        "1080p": {"16:9": (1920, 1080), "4:3": (1664, 1248), "1:1": (1440, 1440),
                  "3:4": (1248, 1664), "9:16": (1080, 1920), "21:9": (2206, 946)},
        "4k": {"16:9": (3840, 2160), "4:3": (3326, 2494), "1:1": (2880, 2880),
               "3:4": (2494, 3326), "9:16": (2160, 3840), "21:9": (4398, 1886)},
    }
)  # fmt: skip


def _seedance() -> list[Model]:
    names = [
        ("doubao-seedance-2-0-260128", tuple(range(4, 16)), ("480p", "720p", "1080p", "4k"), "7.0"),
        ("doubao-seedance-2-0-fast-260128", tuple(range(4, 16)), ("480p", "720p"), "5.6"),
        ("doubao-seedance-1-5-pro-251215", tuple(range(4, 13)), ("480p", "720p", "1080p"), "2.4"),
        ("doubao-seedance-1-0-pro-250528", tuple(range(2, 13)), ("480p", "720p", "1080p"), "2.2"),
        ("doubao-seedance-1-0-pro-fast-251015", tuple(range(2, 13)),
         ("480p", "720p", "1080p"), "0.6"),
    ]  # fmt: skip
    return [
        Model(
            name, "seedance", seconds, 5,
            {tier: SEEDANCE_SIZES[tier]["16:9"] for tier in tiers},
            "1080p" if "-1-0-" in name else "720p",
            {0: million_tokens}, "never" if "-1-0-" in name else "default_on",
        )
        for name, seconds, tiers, million_tokens in names
    ]  # fmt: skip


KLING_SIZES: Mapping[str, Mapping[str, Size]] = MappingProxyType(
    {
        "std": {"16:9": (1280, 720), "9:16": (720, 1280), "1:1": (960, 960)},
        "pro": {"16:9": (1920, 1080), "9:16": (1080, 1920), "1:1": (1440, 1440)},
        "4k": {"16:9": (3840, 2160), "9:16": (2160, 3840), "1:1": (2880, 2880)},
    }
)


def _kling() -> list[Model]:
    short, long = (5, 10), tuple(range(3, 16))
    names: list[tuple[str, tuple[int, ...], str, Sound]] = [
        ("kling-v1", short, "std", "never"),
        ("kling-v1-5", short, "std", "never"),
        ("kling-v1-6", short, "std", "never"),
        ("kling-v2-master", short, "std", "never"),
        ("kling-v2-1", short, "std", "never"),
        ("kling-v2-1-master", short, "pro", "never"),
        ("kling-v2-5-turbo", short, "std", "never"),
        ("kling-v2-6", short, "std", "default_off"),
        ("kling-v3", long, "std", "default_off"),
        ("kling-v3-turbo", long, "std", "default_off"),
        ("kling-video-o1", tuple(range(3, 11)), "pro", "default_off"),
        ("kling-v3-omni", long, "pro", "default_off"),
    ]
    rate = {720: "0.084", 1080: "0.112", 2160: "0.42"}
    return [
        Model(
            name, "kling", seconds, 5,
            {mode: KLING_SIZES[mode]["16:9"] for mode in KLING_SIZES}, mode, rate, sound,
        )
        for name, seconds, mode, sound in names
    ]  # fmt: skip


MODELS: Mapping[str, Model] = MappingProxyType(
    {
        model.name: model
        for family in (_sora, _veo, _wan, _jimeng, _seedance, _kling)
        for model in family()
    }
)

# A name the table lacks is still checked like its family: vendors bring out models every month.
_FAMILIES = {
    "sora-": "sora-2",
    "veo-": "veo-3.1-generate-preview",
    "wan": "wan2.6-t2v",
    "jimeng-": "jimeng-3.0-pro",
    "doubao-seedance-": "doubao-seedance-2-0-260128",
    "kling-": "kling-v3-omni",
}


def find(name: str) -> Model | None:
    """The model of this name, or one like its family's with `known=False`, or None."""
    if name in MODELS:
        return MODELS[name]
    for start, like in _FAMILIES.items():
        if name.startswith(start):
            return replace(MODELS[like], name=name, known=False)
    return None


def cost(model: Model, size: Size, seconds: float, *, sound: bool, video_in: float = 0) -> Decimal:
    """USD this would have cost. `video_in`: seconds of reference video (Seedance bills them)."""
    if model.vendor == "seedance":
        # The vendor's own formula: seconds x width x height x 24 / 1024 tokens.
        tokens = Decimal(seconds + video_in) * size[0] * size[1] * 24 / 1024
        return (tokens * Decimal(model.rate[0]) / 1_000_000).quantize(Decimal("0.0001"))
    short = min(size)
    rate = next((r for side, r in sorted(model.rate.items()) if short <= side), None)
    rate = rate or model.rate[max(model.rate)]
    dearer = Decimal("1.5") if model.vendor == "kling" and sound else Decimal(1)
    return (Decimal(rate) * Decimal(seconds) * dearer).quantize(Decimal("0.0001"))

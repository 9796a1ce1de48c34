"""One take of a shot: texts rendered, sources found, everything checked against its model."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from runner.load.drafts import Draft
from runner.load.found import Found
from runner.load.found import Path as Parts
from runner.load.sources import Files, Refusal, check_url, is_url, kind_by_name
from runner.model import (
    JSON,
    Kind,
    Loc,
    LocalFile,
    Medium,
    ModelFacts,
    Origin,
    Problem,
    Request,
    Role,
    Severity,
    ShotId,
    ShotOutput,
    Url,
)
from runner.schema import Catalogue, check_shot, did_you_mean
from runner.source import Document, Map, locate, pointer
from runner.template import Fault, Templates, is_template, read_prompt
from runner.vendors import find

KINDS: tuple[Kind, ...] = ("image", "video", "audio")
ROLES: tuple[tuple[Role, Kind], ...] = (
    ("first_frame", "image"),
    ("last_frame", "image"),
    ("base_video", "video"),
)
MEDIA = ("first_frame", "last_frame", "base_video", "references")
RESERVED = frozenset({"ref", "row", "shot", "take", "vars"})
NEUTRAL = frozenset((
    "model", "negative_prompt", "seconds", "size", "resolution", "aspect_ratio", "audio",
    "watermark", "seed", "options", "extra_body",
))  # fmt: skip


class Surroundings(Struct, frozen=True):
    """What the shots of one storyboard share."""

    folder: Path  # where relative paths begin
    shown: str  # the folder as messages name it
    files: Files
    templates: Templates
    library: Mapping[str, JSON]  # `references:`
    catalogue: Catalogue
    found: Found
    texts: dict[str, str]  # prompt files that were read, by the name messages give them
    asked: list[Request]  # with local media, as far as they could be read


class Source(Struct, frozen=True):
    """A medium, and its long form for the rules."""

    medium: Medium
    long: dict[str, JSON]


class TakeReader(Struct, dict=True):
    """Reads one take of a draft; what is wrong goes to `found`."""

    around: Surroundings
    draft: Draft
    number: int
    names: set[tuple[str, ...]] = field(default_factory=set)
    broken: set[Parts] = field(default_factory=set)  # places that have their problem already

    def read(self) -> Request | None:
        """The request, or None where a text or a medium of it cannot be had."""
        errors = self.around.found.errors
        asked: dict[str, JSON] = {
            name: value for name, value in self.draft.fields.items() if name in NEUTRAL
        }
        media, long_forms = self._media()
        self._texts(asked)
        whole = self.around.found.errors == errors
        self._check({**asked, **long_forms} if media else asked)
        asked.setdefault("model", "")
        asked.setdefault("prompt", "")
        request = Request(**asked, media=media)
        if media and any(isinstance(medium.origin, LocalFile) for medium in media):
            self.around.asked.append(request)
        return request if whole else None

    @property
    def facts(self) -> ModelFacts | None:
        return self.around.catalogue.facts(self.draft.fields.get("model", ""))

    # ── problems ────────────────────────────────────────────────────────────────────────────

    def problem(self, rule: str, message: str, parts: Parts, hint: str = "") -> None:
        self.problem_at(self.draft.loc(parts), rule, message, hint)

    def problem_at(
        self, at: Loc, rule: str, message: str, hint: str, severity: Severity = Severity.ERROR
    ) -> None:
        problem = Problem(rule, message, at, severity, hint)
        self.around.found.add(problem, self._about(at))

    def _check(self, resolved: Mapping[str, JSON]) -> None:
        for complaint in check_shot(self.around.catalogue, resolved):
            parts = complaint.path
            if any(parts[: len(place)] == place for place in self.broken):
                continue
            if parts == ("model",) and not complaint.rule.startswith("model."):
                parts = () if "model" not in self.draft.layers[0].data else parts
            if parts[:1] == ("prompt",) and "prompt_file" in self.draft.fields:
                parts = ("prompt_file",)
            at = self.draft.loc(parts, key=complaint.key)
            self.around.found.complaint(complaint, at, self._about(at))

    def _about(self, at: Loc) -> str:
        """Whose problem it is, where its place does not say so."""
        inherited = at.path.startswith("/defaults/")
        return self.draft.about or (f"shot {self.draft.id}" if inherited else "")

    # ── texts ───────────────────────────────────────────────────────────────────────────────

    @cached_property
    def _scope(self) -> dict[str, JSON]:
        variables = self.draft.fields.get("vars", {})
        for name in RESERVED.intersection(variables):
            message = f"a variable called `{name}`"
            hint = f"`{name}` has a meaning in templates: {', '.join(sorted(RESERVED))}"
            at = self.draft.loc(("vars", name), key=True)
            self.problem_at(at, "vars.reserved", message, hint)
        shot = {**self.draft.fields, "id": self.draft.id}
        scope = {**variables, "vars": variables, "shot": shot, "take": self.number}
        return scope if self.draft.row is None else {**scope, "row": self.draft.row}

    def text(self, text: str, parts: Parts, file: str = "") -> str:
        """The text rendered; what is wrong with it is noted at its place. `file`: its own file."""
        if not is_template(text):
            return text
        marker = _no_marker if parts[0] in MEDIA else self._marker
        rendered = self.around.templates.render(text, self._scope, marker)
        if isinstance(rendered, Fault):
            at = self._place(rendered, text, parts, file)
            self.problem_at(at, rendered.rule, rendered.message, rendered.hint)
            self.broken.add(("prompt",) if file else parts)
            return ""
        self.names |= rendered.names
        return rendered.text

    def _place(self, fault: Fault, text: str, parts: Parts, file: str) -> Loc:
        if fault.file:
            text = self.around.templates.prompts.text_of(fault.file)
        if fault.file or file:
            return Document(fault.file or file, text).loc(fault.offset)
        spot, path = self.draft.find(parts)
        if spot is None or spot.depth < len(parts):
            return self.draft.loc(parts)
        return spot.doc.loc_inside(spot.offset, text, fault.offset, pointer(path))

    def _texts(self, resolved: dict[str, JSON]) -> None:
        fields = self.draft.fields
        if "negative_prompt" in fields:
            rendered = self.text(fields["negative_prompt"], ("negative_prompt",))
            resolved["negative_prompt"] = rendered.strip()
        if "prompt_file" in fields and not self._prompt_is_nearer():
            self._prompt_file(resolved, fields["prompt_file"])
        elif "prompt" in fields:
            resolved["prompt"] = self.text(fields["prompt"], ("prompt",)).strip()
        if ("prompt",) in self.broken:
            resolved["prompt"] = "?"  # stands in: it is wrong already, not missing

    def _prompt_is_nearer(self) -> bool:
        """Whether `prompt` was said nearer than `prompt_file`; both in one place are a problem."""
        layer = next(layer.data for layer in self.draft.layers if _has_prompt(layer.data))
        if "prompt" in layer and "prompt_file" in layer:
            message = "both a prompt and a prompt file"
            self.problem("shot.two_prompts", message, ("prompt",), "keep one of the two")
            self.broken.add(("prompt",))
        return "prompt" in layer

    def _prompt_file(self, resolved: dict[str, JSON], name: str) -> None:
        parts: Parts = ("prompt_file",)
        name = self.text(name, parts)
        if parts in self.broken:
            self.broken.add(("prompt",))
            return
        file = self.around.files.find(name, self.around.folder)
        shown = f"{self.around.shown}{name}"
        text = file if isinstance(file, Refusal) else self._prompt_text(file, shown)
        if isinstance(text, str):
            resolved["prompt"] = self.text(text, parts, shown).strip()
        else:
            self.problem(text.rule, text.message, parts, text.hint)
            self.broken.add(("prompt",))

    def _prompt_text(self, file: LocalFile, shown: str) -> str | Refusal | Fault:
        if shown not in self.around.texts:
            try:
                text = read_prompt(self.around.files.absolute(file), shown)
            except OSError as error:
                return Refusal("source.missing", f"{shown} cannot be read: {error}")
            if isinstance(text, Fault):
                return text
            self.around.texts[shown] = text
        return self.around.texts[shown]

    # ── media ───────────────────────────────────────────────────────────────────────────────

    def _media(self) -> tuple[tuple[Medium, ...], dict[str, JSON]]:
        """The media of the take, and the same in the long form that rules read."""
        fields = self.draft.fields
        if fields.keys().isdisjoint(MEDIA):
            return (), {}
        media: list[Medium] = []
        resolved: dict[str, JSON] = {}
        for role, kind in ROLES:
            if role in fields:
                source = self._source(role, fields[role], (role,), kind)
                resolved[role] = source.long
                media.append(source.medium)
        if "references" in fields:
            resolved["references"] = [source.long for source in self._references]
            media += [source.medium for source in self._references]
        return tuple(media), resolved

    @cached_property
    def _references(self) -> tuple[Source, ...]:
        return tuple(
            self._source("reference", value, ("references", index), None)
            for index, value in enumerate(self.draft.fields["references"])
        )

    def _source(self, role: Role, value: JSON, parts: Parts, kind: Kind | None) -> Source:
        """A source in any of its forms; `kind` is what a name without an ending must be."""
        name = None
        if isinstance(value, str):
            text = self.text(value, parts) or value
            name = text if text in self.around.library else None
            value = self.around.library[text] if name else text
            if isinstance(value, str):
                known = kind_by_name(value) or kind
                return self._local(role, known, value, parts, name, None)
        alias = value.get("as")
        alias = self.text(alias, (*parts, "as")) if alias else None
        if "shot" in value:
            return self._shot_output(role, value, parts, name, alias)
        said = next(word for word in KINDS if word in value)
        where = self.text(value[said], (*parts, said)) or value[said]
        return self._local(role, said, where, parts, name, alias)

    def _local(
        self, role: Role, kind: Kind | None, where: str, parts: Parts, name: str | None,
        alias: str | None,
    ) -> Source:  # fmt: skip
        at = self._written_at(parts, name)
        if is_url(where):
            origin: Origin | Refusal = check_url(where)
            if isinstance(origin, Refusal) and origin.warning:
                self.problem_at(at, origin.rule, origin.message, origin.hint, Severity.WARNING)
                origin = check_url(where, private=True)
        else:
            origin = self.around.files.find(where, self.around.folder)
        if isinstance(origin, Refusal):
            hint = origin.hint
            if origin.rule == "source.missing":
                hint = did_you_mean(where, self.around.library) or hint
            self.problem_at(at, origin.rule, origin.message, hint)
            self.broken.add(parts[:2])
            origin = Url(where)  # stands in, so that the rules see what was meant
        elif kind is None or (isinstance(origin, LocalFile) and kind_by_name(where) != kind):
            what = f"a{'n' if kind in ('image', 'audio') else ''} {kind}" if kind else "a medium"
            hint = "write `{image: …}`, `{video: …}` or `{audio: …}`, and the file's usual ending"
            self.problem_at(at, "source.kind", f"{where} is not {what} by its name", hint)
            self.broken.add(parts[:2])
            origin = Url(where)  # nor is it looked into
        kind = kind or "image"
        medium = Medium(role, kind, origin, name, self.draft.loc(parts), alias)
        long: dict[str, JSON] = {kind: where}
        return Source(medium, long | _labels(name, alias))

    def _written_at(self, parts: Parts, name: str | None) -> Loc:
        """Where a path or URL is written: in the shot, or in the library under its name."""
        if name is None:
            return self.draft.loc(parts)
        value = self.around.library[name]
        said = [word for word in KINDS if isinstance(value, Map) and word in value]
        at = locate(self.around.library, (name, *said))
        return replace(at, path=f"/references{at.path}")

    def _shot_output(
        self, role: Role, value: Map, parts: Parts, name: str | None, alias: str | None
    ) -> Source:
        shot = self.text(value["shot"], (*parts, "shot")) or value["shot"]
        frame = value.get("frame")
        exact = frame if frame in (None, "first", "last") else Decimal(str(frame))
        origin = ShotOutput(ShotId(shot), exact)
        kind: Kind = "video" if frame is None else "image"
        long: dict[str, JSON] = {"shot": shot} if frame is None else {"shot": shot, "frame": frame}
        medium = Medium(role, kind, origin, name, self.draft.loc((*parts, "shot")), alias)
        return Source(medium, long | _labels(name, alias))

    # ── markers ─────────────────────────────────────────────────────────────────────────────

    def _marker(self, name: str) -> str | Fault:
        """What a prompt writes for a reference: the vendor's marker, else its `as:` text."""
        references = self._references if "references" in self.draft.fields else ()
        counts: dict[Kind, int] = {}
        for source in references:
            kind = source.medium.kind
            counts[kind] = counts.get(kind, 0) + 1
            if name == source.medium.name or name in source.long.values():
                return self._written(name, source, counts[kind])
        here = [source.medium.name for source in references if source.medium.name]
        hint = (
            did_you_mean(name, here) or "name it in the `references:` of the film and of the shot"
        )
        if name in self.around.library:
            hint = f"add it to the shot: `references: [{', '.join((*here, name))}]`"
        return Fault("reference.unknown", f"the shot has no reference {name!r}", hint)

    def _written(self, name: str, source: Source, index: int) -> str | Fault:
        facts = self.facts
        if facts is None:  # the unknown model has its problem already
            return source.medium.alias or name
        marker = find(facts.vendor).marker(source.medium.kind, index, facts)
        if marker is None and source.medium.alias is None:
            message = f"{facts.id} has no marker for a reference, and {name!r} has no `as:` text"
            hint = f"say how a prompt names it: `{name}: {{{source.medium.kind}: …, as: the …}}`"
            return Fault("reference.no_marker", message, hint)
        return marker or source.medium.alias or ""


def _has_prompt(layer: Map) -> bool:
    return "prompt" in layer or "prompt_file" in layer


def _no_marker(name: str) -> Fault:
    message = f"ref({name!r}) in a source"
    return Fault("reference.in_source", message, "markers stand in prompts")


def _labels(name: str | None, alias: str | None) -> dict[str, JSON]:
    return {key: text for key, text in (("name", name), ("as", alias)) if text}

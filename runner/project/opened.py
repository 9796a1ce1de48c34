"""A project's root and what lies in it: catalogue, prices, storyboards with their facts."""

import gc
import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property, wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from runner import graph, manifest, prices
from runner.disk import StatCache
from runner.errors import BadInput
from runner.gateway.profile import Profile
from runner.journal import Realm, open_reader
from runner.load import Loaded, load
from runner.model import (
    Digest,
    Estimate,
    Facts,
    History,
    JobId,
    LocalFile,
    ModelFacts,
    ModelId,
    Plan,
    Problem,
    Request,
    Severity,
    Shot,
    ShotId,
    Storyboard,
)
from runner.planner import Selection, make_plan
from runner.project.endpoint import Endpoint, choose, gateway_names
from runner.project.settings import Settings, read_settings
from runner.schema import Catalogue, data_file, did_you_mean, open_catalogue
from runner.source import read_yaml
from runner.source.data import parts_of
from runner.store import Store, open_store
from runner.vendors import installed_schemas

EVERYTHING = Selection()
P = ParamSpec("P")
T = TypeVar("T")
STATE = ".reelmake"
STORE_VARIABLE = "REELMAKE_STORE"
PREVIEW = ".preview"


def undisturbed(act: Callable[P, T]) -> Callable[P, T]:
    """Without the garbage collector, which looks at everything there is again and again.

    Reading makes a hundred thousand records and no garbage: half its time would go there.
    """

    @wraps(act)
    def acted(*args: P.args, **kwargs: P.kwargs) -> T:
        was = gc.isenabled()
        gc.disable()
        try:
            return act(*args, **kwargs)
        finally:
            if was:
                gc.enable()

    return acted


class Project(Struct, frozen=True, dict=True):
    """Opened by `open_project`. Catalogue and prices are read when first wanted."""

    root: Path
    settings: Settings
    environ: Mapping[str, str]

    @property
    def state(self) -> Path:
        return self.root / STATE

    @cached_property
    def catalogue(self) -> Catalogue:
        """Every model that is known. Raises BadInput for overrides that cannot be used."""
        catalogue = open_catalogue(self.settings.data, installed_schemas())
        self.settings.refuse(
            self.settings.problem(c.rule, c.message, c.path, c.hint) for c in catalogue.complaints
        )
        return catalogue

    @cached_property
    def prices(self) -> prices.PriceTable:
        """Published prices with the project's own. Raises BadInput for one that is none."""
        data, _ = read_yaml(data_file("prices.yaml").read_bytes(), "prices.yaml")
        table = prices.read_table(data, self.settings.data.get("prices"))
        self.settings.refuse(
            self.settings.problem(p.rule, p.message, parts_of(p.at.path), p.hint)
            for p in table.problems
        )
        self.settings.refuse(self._priced_in_vain())
        return table

    def _priced_in_vain(self) -> Iterator[Problem]:
        """Prices of what is neither a model nor a family: a typo there would cost money."""
        known = {"rates"}
        own = self.settings.data.get("prices") or {}
        for facts in self.catalogue.models.values() if own else ():
            known |= {facts.id, facts.family}
        for name in own:
            if name not in known:
                hint = did_you_mean(name, known) or "`reelmake models --format json` shows both"
                message = f"no model or family is called {name}"
                yield self.settings.problem("prices.unknown", message, ("prices", name), hint)

    def wrong_settings(self) -> tuple[Problem, ...]:
        """All that is wrong with models, rules and prices in reelmake.yaml."""
        found: dict[Problem, None] = {}
        for part in ("catalogue", "prices"):
            try:
                getattr(self, part)
            except BadInput as error:
                found |= dict.fromkeys(error.problems)
        return tuple(sorted(found, key=lambda p: (p.at.line, p.at.column)))

    @cached_property
    def store(self) -> Store:
        """The project's store, with the team's behind it where there is one."""
        shared = self.environ.get(STORE_VARIABLE) or self.settings.data.get("store")
        rate = self.settings.data.get("store_rate")
        return open_store(self.state / "store", shared, rate=rate and rate * 1e6)

    @cached_property
    def stats(self) -> StatCache:
        return StatCache(self.state / "stat-cache", self.root)

    def facts(self, model: ModelId) -> ModelFacts | None:
        return self.catalogue.facts(model)

    def estimate(self, request: Request) -> Estimate | None:
        facts = self.facts(request.model)
        return None if facts is None else prices.estimate(request, facts, self.prices)

    def lasts(self, request: Request) -> float | None:
        """How many seconds a take will have, where that is known beforehand."""
        facts = self.facts(request.model)
        wanted = request.seconds or (facts and facts.default_seconds)
        return float(wanted) if wanted and wanted > 0 else None  # -1: the model chooses

    def results_folder(self, file: Path, *, preview: bool) -> Path:
        """Where a storyboard's results lie: the paid ones if there are any, else the preview's."""
        real = self.root / "renders" / file.stem
        shown = real.with_name(real.name + PREVIEW)
        return shown if preview or not (real / manifest.NAME).exists() else real

    @undisturbed
    def load(self, file: Path, texts: Mapping[str, bytes] | None = None) -> Loaded:
        """A storyboard with everything that is wrong with it, its local media included.

        `texts` stand for what is written in storyboards, by their names.
        """
        known = gateway_names(self.settings.data)
        return load(file, self.root, self.catalogue, self._preflight, known, texts)

    def _preflight(self, asked: Sequence[Request]) -> Iterable[Problem]:
        if not asked:
            return ()
        from runner.project.preflight import preflight  # only films with media wait for it

        return preflight(self.root, self.catalogue, asked)

    def storyboard(self, file: Path) -> tuple[Storyboard, tuple[Problem, ...]]:
        """A storyboard fit to render, and its warnings. Raises BadInput with all problems."""
        storyboard, loaded = self.usable(file)
        return storyboard, loaded.problems

    def usable(
        self, file: Path, texts: Mapping[str, bytes] | None = None, *, only_looks: bool = False
    ) -> tuple[Storyboard, Loaded]:
        """A storyboard fit to render, with how it was read. Raises BadInput with all problems.

        For a command that `only_looks`, a warning is none, however strict the project is.
        """
        loaded = self.load(file, texts)
        strict = self.settings.strict and not only_looks
        fatal = [p for p in loaded.problems if p.severity is Severity.ERROR or strict]
        if loaded.storyboard is None or fatal:
            raise BadInput(f"{file} cannot be used", problems=loaded.problems)
        return loaded.storyboard, loaded

    def film(
        self,
        file: Path,
        *,
        gateway: str | None = None,
        out_dir: Path | None = None,
        texts: Mapping[str, bytes] | None = None,
    ) -> "Film":
        """A storyboard to be rendered. `texts` stand for what is written, by the files' names."""
        storyboard, loaded = self.usable(file, texts)
        endpoint = choose(gateway, storyboard.gateway, self.settings.data, self.environ)
        stem = storyboard.stem + (PREVIEW if endpoint.preview else "")
        folder = (out_dir or self.root / "renders" / stem).absolute()
        return Film(self, file, storyboard, loaded, endpoint, folder)


class Film(Struct, frozen=True, dict=True):
    """A storyboard together with the gateway and the output folder it is meant for."""

    project: Project
    file: Path  # as it was named
    storyboard: Storyboard
    loaded: Loaded
    endpoint: Endpoint
    folder: Path

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return self.loaded.problems

    @property
    def profile(self) -> Profile:
        return self.endpoint.profile

    @property
    def realm(self) -> Realm:
        return "preview" if self.endpoint.preview else "paid"

    def seen_from_root(self) -> "Film":
        """The film with every place told from the project's root: the same wherever one stands."""

        def told(shot: Shot) -> Shot:
            places = {
                name: replace(at, file=Path(os.path.relpath(at.file, self.project.root)).as_posix())
                for name, at in shot.origins.items()
            }
            return replace(shot, origins=places)

        shots = tuple(map(told, self.storyboard.shots))
        return replace(self, storyboard=replace(self.storyboard, shots=shots))

    def hanging_on(self, shot: ShotId) -> tuple[ShotId, ...]:
        """Every shot that this one reaches, directly or through others."""
        needs = {s.id: s.needs for s in self.storyboard.shots}
        reached = graph.downstream(needs, [shot]) - {shot}
        return tuple(s.id for s in self.storyboard.shots if s.id in reached)

    @property
    def manifest_path(self) -> Path:
        return self.folder / manifest.NAME

    def history(self) -> History:
        """What journal and manifest remember of this realm."""
        with open_reader(self.project.state) as journal:
            known = journal.history(self.realm)
        pinned = manifest.read(self.manifest_path)
        self.refuse_another(pinned)
        return known if pinned is None else manifest.recall(known, pinned, self.project.store)

    def refuse_another(self, pinned: manifest.Manifest | None) -> None:
        """Two films in one folder would take each other's names: BadInput, unless one has gone."""
        if pinned is None or pinned.storyboard == self.storyboard.path:
            return
        if (self.project.root / pinned.storyboard).is_file():
            folder = os.path.relpath(self.folder)
            raise BadInput(
                f"{folder} holds the results of {pinned.storyboard}",
                do="give one of the two files another name, or write elsewhere with --out DIR",
            )

    def gone(self) -> set[JobId]:
        """Jobs whose video the gateway has said it no longer has."""
        with open_reader(self.project.state) as journal:
            return journal.gone(self.realm)

    @undisturbed
    def gather(self, history: History | None = None) -> Facts:
        """Everything a plan depends on besides the storyboard: read, never written.

        `history` is the past, where it is known already.
        """
        history = history or self.history()
        stats, sizes = self.project.stats, dict[str, int]()
        outputs = self.outputs(history, sizes)
        return Facts(
            history=history,
            files={path: d for path, d in stats.digests(self.references()).items() if d},
            held=self.project.store,
            outputs=outputs,
            estimate=self.project.estimate,
            sizes=sizes,
            fetchable=()
            if self.endpoint.preview  # its server forgets when it stops
            else Fetchable(history, self.profile.retention, self.gone),
        )

    def references(self) -> tuple[str, ...]:
        """Local media that any take asks for, each once."""
        origins = (
            medium.origin
            for shot in self.storyboard.shots
            for take in shot.takes
            for medium in take.request.media
        )
        return tuple(dict.fromkeys(o.path for o in origins if isinstance(o, LocalFile)))

    def outputs(self, history: History, sizes: dict[str, int]) -> dict[str, Digest | None]:
        """What lies where the takes' videos belong; `sizes` learns the bytes of what is there."""
        base = os.path.relpath(self.folder, self.project.root)
        names = [
            name
            for shot in self.storyboard.shots
            for take in shot.takes
            for name in shot.outputs(take.number)
        ]
        found = self.project.stats.digests(f"{base}/{name}" for name in names)
        digests = {name: found[f"{base}/{name}"] for name in names}
        for name, digest in digests.items():
            if digest is not None and digest not in self.project.store:
                sizes[name] = (self.folder / name).stat().st_size
        return digests

    @undisturbed
    def plan(self, facts: Facts, chosen: Selection = EVERYTHING) -> Plan:
        """What a run would do about what is chosen. Raises BadInput for an unknown shot."""
        return make_plan(
            self.storyboard,
            facts,
            gateway=self.endpoint.name,
            only=chosen.only,
            takes=chosen.takes,
            force=chosen.force,
        )


class Fetchable(Struct, frozen=True):
    """Finished jobs whose video the gateway should still have: within `retention` seconds."""

    history: History
    retention: float
    gone: Callable[[], Container[JobId]]  # asked only for what is missing

    def __contains__(self, job: object) -> bool:
        oldest = datetime.now(UTC) - timedelta(seconds=self.retention)
        recent = any(
            result.job == job and datetime.fromisoformat(result.completed_at) > oldest
            for result in self.history.results.values()
        )
        return recent and job not in self.gone()


def project_here(folder: Path, environ: Mapping[str, str]) -> Project:
    """The project a folder lies in, for questions that concern no storyboard."""
    root = find_root(folder.absolute())
    return Project(root, read_settings(root), environ)


def open_project(file: Path, environ: Mapping[str, str]) -> Project:
    """The project a storyboard belongs to. Raises BadInput for settings that cannot be used."""
    if not file.is_file():
        raise BadInput(f"there is no storyboard {str(file)!r}")
    return project_here(file.absolute().parent, environ)


def find_root(folder: Path) -> Path:
    """The nearest parent with `.reelmake` or `.git`, else the storyboard's own folder."""
    for parent in (folder, *folder.parents):
        if (parent / STATE).is_dir() or (parent / ".git").exists():
            return parent
    return folder

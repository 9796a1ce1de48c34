"""The whole of the template language we offer: jinja2 with everything unbounded taken out.

Three walls, because jinja2's own sandbox bounds neither time nor memory:

- the tree is read before any code is made from it, and only known nodes may stand in it;
- what repeats or grows (loops, macros, `+`, `~`, `*`, comparisons, filters, output) is rewired to
  pay from a budget before it does anything;
- names lead to data only: attributes are keys of mappings, and the only things that can be called
  are macros, `ref` and `range`.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, cast

from jinja2 import BaseLoader, TemplateError, TemplateNotFound, nodes, pass_context
from jinja2.environment import Template, TemplateModule
from jinja2.exceptions import TemplateSyntaxError, UndefinedError
from jinja2.runtime import Context, LoopContext, Macro, StrictUndefined, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from runner.model import JSON
from runner.template import filters
from runner.template.base import (
    MAX_TEXT,
    Broken,
    Budget,
    Fault,
    Names,
    Ref,
    clean,
    kind,
    to_text,
    undefined,
)
from runner.template.prompts import Prompts
from runner.template.tree import Refused, check, included, names_in, offset_of, rewire, tags_of

MAX_CALLS = 20  # macros inside one another
_RUNTIME = (
    TemplateError, ArithmeticError, TypeError, ValueError, LookupError, AttributeError,
    RecursionError, SyntaxError,
)  # fmt: skip


class Engine:
    """Compiles templates for one `prompts/` folder."""

    def __init__(self, prompts: Prompts) -> None:
        self._sandbox = Sandbox(prompts)

    def compile(self, text: str) -> "Whole":
        """Raises Broken."""
        try:
            return Whole(self._sandbox.from_string(text), text, self._sandbox)
        except (*_RUNTIME, Broken) as error:
            raise Broken(self._sandbox.explain(error, text)) from None


class Whole:
    """A template that takes the engine."""

    def __init__(self, template: Template, text: str, sandbox: "Sandbox") -> None:
        self._template, self._text, self._sandbox = template, text, sandbox
        self.names: Names = sandbox.names(text)

    def fill(self, scope: Mapping[str, JSON], ref: Ref, budget: Budget) -> str:
        """Raises Broken, with the place where the template was when it broke."""
        sandbox = self._sandbox
        sandbox.begin(scope, ref, budget)
        try:
            context = self._template.new_context({**scope, "ref": sandbox.ref})
            return clean(sandbox.concat(self._template.root_render_func(context)))
        except (*_RUNTIME, Broken) as error:
            raise Broken(sandbox.explain(error, self._text)) from None


class _Missing(UndefinedError):
    """An undefined name was used; knows which, and what it was looked for in."""

    def __init__(self, name: str, owner: object, message: str) -> None:
        super().__init__(message)
        self.name, self.owner = name, owner


class _Undefined(StrictUndefined):
    __slots__ = ()

    def __init__(
        self, hint: str | None = None, obj: Any = missing, name: str | None = None, exc: Any = None
    ) -> None:
        super().__init__(hint, obj, name, cast("Any", partial(_Missing, str(name), obj)))


class _PromptLoader(BaseLoader):
    def __init__(self, prompts: Prompts) -> None:
        self._prompts = prompts

    def get_source(self, environment: Any, template: str) -> tuple[str, str, None]:
        text = self._prompts.text(template)
        if isinstance(text, Fault):
            raise Broken(text)
        return text, self._prompts.shown(template), None


class Sandbox(ImmutableSandboxedEnvironment):
    """A jinja2 environment in which everything costs something."""

    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "%", "**"))

    def __init__(self, prompts: Prompts) -> None:
        super().__init__(
            loader=_PromptLoader(prompts),
            undefined=_Undefined,
            finalize=_write,
            optimized=False,  # constants are computed when they are paid for, not before
            keep_trailing_newline=True,  # a template keeps its text as plain text does
            auto_reload=False,
        )
        self._prompts = prompts
        self.filters = filters.offered(self)
        self.tests = {name: self.tests[name] for name in filters.TESTS}
        self.globals = {"range": self._range}
        self.begin({}, lambda name: name, Budget())

    def begin(self, scope: Mapping[str, JSON], ref: Ref, budget: Budget) -> None:
        """Every rendering starts with a budget of its own."""
        self._scope, self._ref, self.budget, self._calls = scope, ref, budget, 0

    # ── before code is made ─────────────────────────────────────────────────────────────────

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        check(tree, name or "", self.filters)
        return rewire(tree)

    def names(self, text: str) -> Names:
        """The dotted names a template looks at, through the files it includes by name."""
        found: set[tuple[str, ...]] = set()
        todo, seen = [text], set[str]()
        while todo:
            tree = self.parse(todo.pop())
            found |= names_in(tree)
            for name in set(included(tree)) - seen:
                seen.add(name)
                inner = self._prompts.text(name)
                todo += [inner] if isinstance(inner, str) else []
        return frozenset(found)

    # ── what can be reached ─────────────────────────────────────────────────────────────────

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, TemplateModule) and not attribute.startswith("_"):
            return obj.__dict__.get(attribute, self.undefined(obj=obj, name=attribute))
        if isinstance(obj, LoopContext) and attribute in filters.LOOP:
            return getattr(obj, attribute)
        if isinstance(obj, Undefined):
            str(obj)  # says which name is missing
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        plain = isinstance(argument, int | slice) and isinstance(obj, str | list | tuple)
        if plain or (isinstance(obj, Mapping) and isinstance(argument, str)):
            try:
                return obj[argument]
            except LookupError:
                return self.undefined(obj=obj, name=argument)
        if isinstance(obj, Undefined):
            str(obj)
        return self.undefined(obj=obj, name=argument)

    def is_safe_callable(self, obj: Any) -> bool:
        return isinstance(obj, Macro) or obj == self.ref or obj == self._range

    def ref(self, name: str) -> str:
        """The vendor's marker for a reference of the shot."""
        marker = self._ref(name)
        if isinstance(marker, Fault):
            raise Broken(marker)
        return marker

    def _range(self, *bounds: int) -> range:
        numbers = range(*bounds)
        self.budget.spend(len(numbers))
        return numbers

    # ── what costs ──────────────────────────────────────────────────────────────────────────

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        self = __self
        self.budget.spend(1)
        self._calls += 1
        if self._calls > MAX_CALLS:
            message = f"macros inside one another, more than {MAX_CALLS} deep"
            raise Broken(Fault("template.too_long", message, "does one call itself?"))
        if not isinstance(__obj, Undefined) and not self.is_safe_callable(__obj):
            message = f"{kind(__obj)} cannot be called"
            raise Broken(Fault("template.refused", message, "write the name without `()`"))
        try:
            return super().call(__context, __obj, *args, **kwargs)
        finally:
            self._calls -= 1

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        self.budget.spend(1)
        return filters.compute(operator, left, right)

    def concat(self, pieces: Iterator[str]) -> str:  # type: ignore[override]
        """Joins what a template or a macro has written; each piece was paid for on its way."""
        parts, size = [], 0
        for piece in pieces:
            size += len(piece)
            if size > MAX_TEXT:
                self.budget.write(" " * (MAX_TEXT + 1))
            parts.append(piece)
        return "".join(parts)

    # ── what went wrong ─────────────────────────────────────────────────────────────────────

    def explain(self, error: Exception, text: str) -> Fault:
        """The fault an error stands for, at the place in the template where it came up."""
        fault, word = _fault(error, self._scope)
        if fault.file:
            return fault
        name, line = _where(error)
        inner = self._prompts.text(name) if name else text
        text = inner if isinstance(inner, str) else ""
        offset = offset_of(text, line or 1, word)
        if isinstance(error, TemplateSyntaxError):
            alike = (tag for tag in tags_of(text) if self._complaint(tag[0]) == error.message)
            offset = next((tag.start() for tag in alike), offset)
        return fault.at(offset, self._prompts.shown(name) if name else "")

    def _complaint(self, tag: str) -> str | None:
        """What the parser has against a tag that stands alone."""
        try:
            self.parse(tag)
        except TemplateSyntaxError as error:
            return error.message
        except (Broken, RecursionError):
            pass
        return None


@pass_context
def _write(context: Context, value: Any) -> str:
    """Everything a template prints passes here; needing the context keeps it from being folded."""
    sandbox: Sandbox = context.environment  # type: ignore[assignment]
    if isinstance(value, Undefined):
        return str(value)
    return sandbox.budget.write(to_text(value))


def _where(error: Exception) -> tuple[str, int | None]:
    """Name and line of the innermost template that was being read or was running."""
    if isinstance(error, TemplateSyntaxError):
        return error.name or "", error.lineno
    if isinstance(error, Refused):
        return error.name, error.line
    name, line = "", None
    trace = error.__traceback__
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(template, Template):
            name, line = template.name or "", template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return name, line


def _fault(error: Exception, scope: Mapping[str, JSON]) -> tuple[Fault, str]:
    """A fault without its place, and the word to look for."""
    if isinstance(error, Broken):
        return error.fault, error.word if isinstance(error, Refused) else ""
    if isinstance(error, _Missing):
        top = error.owner is missing
        return undefined(error.name, scope if top else error.owner, top=top), error.name
    if isinstance(error, RecursionError | SyntaxError):
        return Fault("template.too_deep", "a template nested too deep", "make it flatter"), ""
    if isinstance(error, TemplateNotFound):
        return Fault("template.include", f"there is no prompt file {error.name!r}"), ""
    message = str(error).split("\n", 1)[0][:200]
    rule = "template.syntax" if isinstance(error, TemplateSyntaxError) else "template.refused"
    return Fault(
        rule, message, "`{{ name }}` is a value; `{% if … %}` and `{% for … %}` have an end"
    ), ""

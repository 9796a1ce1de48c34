"""What templates may compute: filters, tests and operators whose cost is known before they run."""

from collections.abc import Callable, Iterator, Mapping, Sized
from functools import wraps
from typing import Any, Protocol

from jinja2.filters import FILTERS
from jinja2.runtime import Undefined
from jinja2.utils import pass_environment

from runner.template.base import MAX_TEXT, Broken, Budget, Fault, to_text, too_large

AS_THEY_ARE = (
    "abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "int", "items",
    "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "reverse",
    "select", "selectattr", "sort", "title", "trim", "unique", "upper", "wordcount",
)  # fmt: skip
TESTS = (
    "!=", "<", "<=", "==", ">", ">=", "boolean", "defined", "divisibleby", "eq", "equalto",
    "even", "false", "float", "ge", "greaterthan", "gt", "in", "integer", "iterable", "le",
    "lessthan", "lower", "lt", "mapping", "ne", "none", "number", "odd", "sequence", "string",
    "true", "undefined", "upper",
)  # fmt: skip
LOOP = frozenset({
    "index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0",
    "previtem", "nextitem",
})  # fmt: skip
MAX_NUMBER = 10**15


class Environment(Protocol):
    """What the filters need of the sandbox."""

    budget: Budget


Filter = Callable[..., Any]


def offered(environment: Environment) -> dict[str, Filter]:
    """The filters by name; those that begin with `_` are put in by `tree.rewire`."""

    def spend(value: object) -> None:
        environment.budget.spend(weight(value, environment.budget.steps))

    def paid(function: Filter) -> Filter:
        @wraps(function)  # also carries over what jinja2 passes as a first argument
        def run(*arguments: Any, **named: Any) -> Any:
            for argument in (*arguments, *named.values()):
                spend(argument)
            result = function(*arguments, **named)
            return list(_each(environment, result, 1)) if isinstance(result, Iterator) else result

        return run

    return {
        **{name: paid(FILTERS[name]) for name in AS_THEY_ARE},
        "join": paid(_join),
        "replace": paid(_replace),
        "round": paid(_round),
        "string": paid(to_text),
        "_charge": pass_environment(_charge),
        "_concat": paid(_concat),
        "_each": pass_environment(_each),
        "_weigh": pass_environment(_weigh),
    }


def weight(value: object, limit: int) -> int:
    """How many steps it takes to look at all of a value, as far as `limit`."""
    steps, todo = 0, [value]
    while todo and steps <= limit:
        item = todo.pop()
        steps += 1
        if isinstance(item, Undefined):
            continue
        if isinstance(item, str):
            steps += len(item) >> 8
        elif isinstance(item, Mapping):
            todo.extend(item.values())
        elif isinstance(item, list | tuple):
            todo.extend(item)
        elif isinstance(item, Sized):
            steps += len(item)
    return steps


def compute(operator: str, left: Any, right: Any) -> Any:
    """Arithmetic on numbers, `+` on two texts or two lists. Raises Broken."""
    if operator == "+" and isinstance(left, str) and isinstance(right, str):
        return _bounded(len(left) + len(right)) and left + right
    if operator == "+" and isinstance(left, list) and isinstance(right, list):
        return _bounded(len(left) + len(right)) and left + right
    for side in (left, right):
        if isinstance(side, Undefined):
            str(side)  # says which name is missing
        if isinstance(side, bool) or not isinstance(side, int | float):
            shown = type(side).__name__
            message = f"`{operator}` works on numbers, not on {shown}"
            raise Broken(Fault("template.refused", message, "`~` joins texts"))
        if abs(side) > MAX_NUMBER:
            raise Broken(Fault("template.refused", f"a number above {MAX_NUMBER:,}", ""))
    return _ARITHMETIC[operator](left, right)


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "//": lambda left, right: left // right,
    "%": lambda left, right: left % right,
}


def _bounded(size: int) -> bool:
    if size > MAX_TEXT:
        raise Broken(too_large())
    return True


def _charge(environment: Environment, value: str, price: int) -> str:
    environment.budget.spend(price)
    return value


def _weigh(environment: Environment, value: Any, price: int) -> Any:
    environment.budget.spend(price + weight(value, environment.budget.steps))
    return value


def _each(environment: Environment, values: Any, price: int) -> Iterator[Any]:
    for value in values:
        environment.budget.spend(price)
        yield value


def _texts(values: Any) -> list[str]:
    texts = [str(v) if isinstance(v, Undefined) else to_text(v) for v in values]
    _bounded(sum(map(len, texts)))
    return texts


def _concat(values: Any, price: int) -> str:
    return "".join(_texts(values))


def _join(values: Any, separator: str = "", attribute: str | None = None) -> str:
    if attribute is not None:
        values = [value[attribute] for value in values]
    texts = _texts(values)
    _bounded(len(texts) * len(to_text(separator)))
    return to_text(separator).join(texts)


def _replace(value: Any, old: Any, new: Any, count: int = -1) -> str:
    text, before, after = _texts((value, old, new))
    found = text.count(before)
    _bounded(len(text) + (found if count < 0 else min(found, count)) * len(after))
    return text.replace(before, after, count)


def _round(value: float, precision: int = 0) -> float:
    if not -15 <= precision <= 15:
        raise Broken(Fault("template.refused", f"round to {precision} places", "0 to 15"))
    return round(value, precision)

"""Rules about modules that no linter checks."""

import ast
import re

from hub import errors
from tests.house.tree import ROOT, modules, name_of, parsed

# One part's failure is its own: these places call what strangers wrote.
ISOLATING = {
    "hub/bus.py": "subscribers",
    "hub/loader.py": "plugins' imports, hooks and lifespans",
    "hub/tasks.py": "background tasks",
    "hub/web/edge.py": "request handlers",
    "hub/web/metrics.py": "collectors",
}
# Every task has an owner who stops it and hears of its failure.
TASK_MAKERS = {"hub/tasks.py", "hub/automation/stepping.py"}
VAGUE = re.compile(r"(Manager|Service|Utils?|Helpers?)$")
DEFINITIONS = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def found(is_wrong, allowed=()):
    """Name the places of all nodes that are wrong, but in the modules where they are allowed."""
    return [
        f"{name_of(path)}:{node.lineno}"
        for path in modules()
        if name_of(path) not in allowed
        for node in ast.walk(parsed(path))
        if is_wrong(node)
    ]


def test_a_module_has_at_most_300_lines():
    lines = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in modules()}

    assert {name: count for name, count in lines.items() if count > 300} == {}
    assert len(lines) > 100


def test_only_the_isolating_places_catch_every_exception():
    def catches_everything(node):
        if not isinstance(node, ast.ExceptHandler):
            return False
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        return any(kind is None or getattr(kind, "id", "") == "Exception" for kind in kinds)

    assert found(catches_everything, ISOLATING) == []


def test_every_task_has_an_owner():
    def makes_a_task(node):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return False
        # A task group owns its own.
        maker = ast.unparse(node.func.value)
        is_bare = "asyncio" in maker or "loop" in maker
        return is_bare and node.func.attr in {"create_task", "ensure_future"}

    assert found(makes_a_task, TASK_MAKERS) == []


def test_names_say_what_a_thing_is():
    def is_vague(node):
        return isinstance(node, DEFINITIONS) and (
            VAGUE.search(node.name) is not None or node.name.startswith("async_")
        )

    assert found(is_vague) == []


def test_imports_mean_the_same_for_people_type_checkers_and_python():
    def is_hidden(node):
        return (
            getattr(node, "id", "") == "TYPE_CHECKING"
            or getattr(node, "module", "") == "__future__"
        )

    # What pytest loads in every run must cost nothing, so its imports wait for a fixture's use.
    assert found(is_hidden, {"hub/testing/fixtures.py"}) == []


def test_nothing_is_left_to_be_written():
    def is_open(node):
        return isinstance(node, ast.Raise) and "NotImplementedError" in ast.dump(node)

    assert found(is_open) == []


def test_every_package_says_that_it_is_typed():
    packages = [ROOT / "hub", *(path.parent for path in ROOT.glob("plugins/*/__init__.py"))]

    assert [package.name for package in packages if not (package / "py.typed").exists()] == []


def test_the_error_tree_in_the_docstring_is_the_one_in_the_code():
    parents, path = {}, []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^((?:[│ ]   |├── |└── )*)([A-Z]\w+)", line)
        if match and hasattr(errors, match[2]):
            depth = len(match[1]) // 4
            path[depth:] = [match[2]]
            parents[match[2]] = path[depth - 1] if depth else "Exception"
    defined = {
        name: thing.__base__.__name__
        for name, thing in vars(errors).items()
        if isinstance(thing, type) and issubclass(thing, Exception)
    }

    assert parents == defined

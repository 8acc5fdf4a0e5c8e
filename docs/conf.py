"""How Sphinx builds the documentation; no network is needed."""

from hub import __version__

project = "fieldhub"
author = "The fieldhub authors"
copyright = "The fieldhub authors, Apache-2.0"  # noqa: A001 - Sphinx's name
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"fieldhub {version}"
html_show_sphinx = False
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4
highlight_language = "none"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True}
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
add_module_names = False

# Names of Python and of libraries, whose documentation is not at hand without a network, and names
# inside the hub that signatures show and plugins don't import.
nitpick_ignore_regex = [
    ("py:.*", r"(asyncio|collections|contextlib|datetime|dt|typing|types|logging|pathlib)\..*"),
    ("py:.*", r"(Any|Callable|Mapping|Sequence|Iterable|Iterator|Hashable|Protocol|ClassVar)"),
    ("py:.*", r"(Awaitable|Coroutine|Path|Struct|msgspec\..*|None|namedtuple)"),
    # Type variables, and a union that Sphinx takes apart at its commas.
    ("py:.*", r"(hub\.(context|testing\.events)\.E|int \| float.*|The plugin's name)"),
    ("py:.*", r"hub\.(app|bus|states|actions|registry|loader|storage)\..*|PluginError"),
    ("py:.*", r"hub\.(http|action|context|simulation)\.(Handler|Authorise|ProblemPage)"),
]

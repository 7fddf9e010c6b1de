"""A lab's README as trees for the page: the words come from our own files, and only known elements come through."""

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from lmlab.ui.widgets.content import Tree, h

MARKER = re.compile(r"<!--.*?-->", re.DOTALL)
TAGS = {
    "paragraph": "p", "bullet_list": "ul", "ordered_list": "ol", "list_item": "li", "strong": "b", "em": "em",
    "table": "table", "thead": "thead", "tbody": "tbody", "tr": "tr", "th": "th", "td": "td",
}  # fmt: skip
LEVELS = {"h1": "h2", "h2": "h3", "h3": "h3"}  # the page has its own h1


def statement_trees(markdown: str, files: str) -> list[Tree]:
    """The trees of a README; pictures come from the address `files`, without a slash at its end.

    The first heading is left out, because the page shows the title itself.

    >>> statement_trees("# Lab\\n\\nA **loss** of <!-- n: x -->2.5<!-- /n -->: `nll`.", "lmlab/labs/lab02")
    [['p', {}, 'A ', ['b', {}, 'loss'], ' of 2.5: ', ['code', {}, 'nll'], '.']]
    """
    # The marks around computed numbers go first: one at the beginning of a line would begin a block of HTML.
    tokens = MarkdownIt("commonmark", {"html": False}).enable("table").parse(MARKER.sub("", markdown))
    blocks = SyntaxTreeNode(tokens).children
    if blocks and blocks[0].type == "heading":
        blocks = blocks[1:]
    return [tree for block in blocks for tree in _trees(block, files)]


def _trees(node: SyntaxTreeNode, files: str) -> Sequence[Tree]:
    """What a node of the Markdown becomes: usually one tree."""
    kind = node.type
    if kind in ("text", "code_inline"):
        return [node.content if kind == "text" else h("code", node.content)]
    if kind in ("softbreak", "hardbreak"):
        return [" "]
    if kind in ("fence", "code_block"):
        return [h("pre", node.content.rstrip())]
    if kind == "image":
        place = str(node.attrs.get("src", ""))
        return (
            [h("img", src=f"{files}/{place}", alt=node.content)] if re.fullmatch(r"[\w-]+\.(svg|png)", place) else []
        )
    inside = [tree for child in node.children for tree in _trees(child, files)]
    if kind == "heading":
        return [h(LEVELS.get(node.tag, "h3"), *inside)]
    if kind in TAGS:
        return [h(TAGS[kind], *inside, **({"cls": "table"} if kind == "table" else {}))]
    return inside  # a link shows its words, `inline` what it holds

"""The look: one set of tokens for Gradio's own components, our style sheet and the figures."""

import json
from pathlib import Path

import gradio as gr

from lmlab.figures.figure import MONO, SANS, SCALES, TOKENS

STYLE = Path(__file__).parent / "style.css"
PAGE = Path(__file__).parent / "page.css"


def token_css() -> str:
    """The colours as CSS variables, for the light and the dark scheme.

    >>> "--model: #0072b2" in token_css()
    True
    """
    schemes = []
    for i, selector in enumerate((":root", ".dark")):
        lines = [f"{name}: {pair[i]};" for name, pair in TOKENS.items()]
        lines += [f"{name}: {json.dumps(pair[i])};" for name, pair in SCALES.items()]
        schemes.append(f"{selector} {{ {' '.join(lines)} }}")
    return f"{schemes[0]}\n{schemes[1]}\n:root {{ --sans: {SANS}; --mono: {MONO}; }}\n"


def css() -> str:
    """The whole style sheet: the tokens, the page, then the rules of each widget and level, which lie beside it."""
    sheets = [
        STYLE,
        *(sheet for room in ("widgets", "levels") for sheet in sorted((STYLE.parent / room).glob("*.css"))),
    ]
    return token_css() + "".join(sheet.read_text("utf-8") for sheet in sheets)


def head() -> str:
    """The rules that Gradio must not rewrite, for the head of the page."""
    return f"<style>{PAGE.read_text('utf-8')}</style>"


def theme() -> gr.themes.Base:
    """Gradio's variables in terms of our tokens: ink is what you do, colour is data, no boxes in boxes."""
    fonts = [font.strip(' "') for font in SANS.split(",")]
    mono = [font.strip(' "') for font in MONO.split(",")]
    values = {
        "body_background_fill": "var(--paper)",
        "body_text_color": "var(--ink)",
        "body_text_color_subdued": "var(--ink-2)",
        "background_fill_primary": "var(--paper)",
        "background_fill_secondary": "var(--wash)",
        "border_color_primary": "var(--rule-2)",
        "border_color_accent": "var(--ink)",
        "block_background_fill": "transparent",
        "block_border_color": "transparent",
        "block_border_width": "0px",
        "block_info_text_color": "var(--ink-3)",
        "block_label_background_fill": "transparent",
        "block_label_border_width": "0px",
        "block_label_text_color": "var(--ink)",
        "block_title_text_color": "var(--ink)",
        "block_title_background_fill": "transparent",
        "block_shadow": "none",
        "panel_background_fill": "transparent",
        "panel_border_width": "0px",
        "link_text_color": "var(--ink)",
        "link_text_color_hover": "var(--ink)",
        "link_text_color_visited": "var(--ink)",
        "link_text_color_active": "var(--ink)",
        "accordion_text_color": "var(--ink-2)",
        "input_background_fill": "transparent",
        "input_background_fill_focus": "transparent",
        "input_border_color": "var(--rule-2)",
        "input_border_color_focus": "var(--ink)",
        "input_placeholder_color": "var(--ink-3)",
        "input_shadow": "none",
        "input_shadow_focus": "none",
        "slider_color": "var(--ink)",
        "loader_color": "var(--ink)",
        "checkbox_background_color": "transparent",
        "checkbox_background_color_selected": "var(--ink)",
        "checkbox_border_color": "var(--rule-2)",
        "checkbox_border_color_selected": "var(--ink)",
        "checkbox_border_color_focus": "var(--ink)",
        "checkbox_label_background_fill": "transparent",
        "checkbox_label_background_fill_hover": "transparent",
        "checkbox_label_background_fill_selected": "transparent",
        "checkbox_label_border_width": "0px",
        "checkbox_label_shadow": "none",
        "checkbox_label_text_color": "var(--ink-2)",
        "checkbox_label_text_color_selected": "var(--ink)",
        "button_primary_background_fill": "var(--ink)",
        "button_primary_background_fill_hover": "var(--ink)",
        "button_primary_border_color": "var(--ink)",
        "button_primary_text_color": "var(--paper)",
        "button_primary_text_color_hover": "var(--paper)",
        "button_primary_shadow": "none",
        "button_primary_shadow_hover": "none",
        "button_primary_shadow_active": "none",
        "button_secondary_background_fill": "transparent",
        "button_secondary_background_fill_hover": "transparent",
        "button_secondary_border_color": "var(--rule-2)",
        "button_secondary_border_color_hover": "var(--ink-3)",
        "button_secondary_text_color": "var(--ink)",
        "button_secondary_text_color_hover": "var(--ink)",
        "button_secondary_shadow": "none",
        "button_secondary_shadow_hover": "none",
        "button_secondary_shadow_active": "none",
        "error_background_fill": "var(--wash)",
        "error_border_color": "var(--ink)",
        "error_text_color": "var(--ink)",
        "table_border_color": "var(--rule)",
        "table_even_background_fill": "transparent",
        "table_odd_background_fill": "transparent",
    }
    base = gr.themes.Base(font=fonts, font_mono=mono, text_size="md", radius_size="sm", spacing_size="md")
    known = set(vars(base))
    dark = {f"{name}_dark": value for name, value in values.items() if f"{name}_dark" in known}
    return base.set(**values, **dark)

"""Widgets: `gr.HTML` components with a constant template and their JavaScript beside them."""

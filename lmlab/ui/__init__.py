"""The Gradio app: a frame, one file a level, and a few widgets. Only this floor knows Gradio."""

"""The levels, one screen each: `build(ctx)` makes the components, `wire(ctx, handles)` connects them."""

"""Where a model comes from: asked of ML Metadata, answered as text, data and picture."""

"""Where a model comes from: questions to ML Metadata, and their answers as text, data and picture."""

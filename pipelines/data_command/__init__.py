"""`papergarden data`: fetch data sets, and check the ones that are there."""

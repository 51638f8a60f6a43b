"""Bundles: made, read, and inspected before anything is built from them."""

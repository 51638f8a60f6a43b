"""Bundles: making, reading, and inspecting them before anything is built."""

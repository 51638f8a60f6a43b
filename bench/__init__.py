"""What a user would measure, side by side in one run: `python -m bench`."""

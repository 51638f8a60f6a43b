"""What a user would measure, side by side in one run: `python -m bench`."""

# How a bench's own AWS clients call themselves, so that what they ask is not counted.
CLIENT = "modelcote-bench"

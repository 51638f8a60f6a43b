"""The materialiser: the hands that make the program's resources on the emulator."""

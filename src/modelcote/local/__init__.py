"""The laptop's cloud: emulator, materialiser, function host and runtimes."""

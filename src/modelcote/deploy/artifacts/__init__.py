"""What a deploy uploads: layers, packages, runtimes, archives."""

"""What serves a version, behind one small protocol: bytes in, bytes out."""

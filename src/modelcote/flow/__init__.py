"""Running a flow: a bundle's folder becomes stages, JSON rows become what the first one takes, a result comes out."""

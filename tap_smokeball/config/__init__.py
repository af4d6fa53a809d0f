"""The settings and the input files of a run."""

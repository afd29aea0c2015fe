"""Agreement with upstream's exporter: the same miniature exported by both, run by our runner."""

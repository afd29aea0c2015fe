"""Vision encoders, one file per family; ``harness.vlm.registry`` says which is whose."""

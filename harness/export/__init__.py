"""Checkpoint to three .pte files: static modules, quantization, lowering, manifest, cache."""

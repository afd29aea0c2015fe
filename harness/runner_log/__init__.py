"""What a multimodal runner prints: written and read in one place."""

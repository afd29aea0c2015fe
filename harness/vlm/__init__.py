"""What a model is: geometry, prompt strings, preprocessing, special tokens."""

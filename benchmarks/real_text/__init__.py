"""What quantization costs real language: perplexity and short questions, recipe by recipe."""

"""Snapgate: acceptance gate for vision-language models on Snapdragon."""

"""Where artifacts run: targets, what they are lowered to there, and SoCs. Any room may ask."""

"""What an export starts from: the weights of a checkpoint and samples to calibrate on."""

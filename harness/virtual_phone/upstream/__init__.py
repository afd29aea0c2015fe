"""The runner of a virtual phone with the limits of upstream's ``qnn_multimodal_runner``."""

"""Whether a phone is fit to be measured on."""

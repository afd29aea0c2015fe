"""``python -m harness doctor``: what a machine and its phones have, lack, and need typed."""

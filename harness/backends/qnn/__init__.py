"""Qualcomm's HTP: its libraries, compiler and emulator behind ExecuTorch's QNN backend."""

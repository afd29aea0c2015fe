"""The multimodal runner on a phone: its files, its command line and what it leaves behind."""

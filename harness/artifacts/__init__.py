"""What an artifact folder holds, and that it holds it whole."""

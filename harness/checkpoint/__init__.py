"""What a checkpoint folder holds, says and leaves out, as ``transformers`` reads it."""

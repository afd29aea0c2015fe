"""Three .pte files to text: programs, KV cache, prefill, decode, sampler, statistics, CLI."""

"""Pictures, clips and sounds that need no GPU: painted from a prompt and a seed, the same bytes each time."""

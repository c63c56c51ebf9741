"""What Parley costs on this machine. Begin at ``__main__``; run ``python -m benchmarks``."""

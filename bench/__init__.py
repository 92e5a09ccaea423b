"""Measures what the product costs. Each figure stands beside a base, such as the bare SDK, from the same run."""

"""Benchmarks: the performance goals as ratios against anchors measured in the same run."""

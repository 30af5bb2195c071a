"""Noise: texts, codes and images that are not worth learning from, each rejected with reason, measure and limit."""

"""Texts and images as points on one sphere, learnt from pairs: what images are associated with texts by."""

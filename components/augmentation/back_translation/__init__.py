"""Texts said in other words by translating them to another language and back."""

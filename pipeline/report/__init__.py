"""The HTML report of a run: facts collected from what the run left, and one self-contained page drawn from them."""

"""The tokeniser: learnt on the training split, and travelling with the model from then on."""

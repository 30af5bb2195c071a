"""From examples to what the model reads, as one TensorFlow graph that training and serving share."""

"""Varied copies of images: turned, cropped, mirrored and recoloured, with the boxes in them."""

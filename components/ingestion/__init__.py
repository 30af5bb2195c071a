"""Raw data of every kind to one record per document, image or code file."""

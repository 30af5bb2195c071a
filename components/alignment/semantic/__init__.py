"""Records that are about the same thing, told by what their texts say."""

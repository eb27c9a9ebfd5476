"""Which repository a package comes from, and how one knows."""

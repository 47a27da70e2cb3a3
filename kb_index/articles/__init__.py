"""Articles: written, versioned, reviewed, published, imported and exported."""

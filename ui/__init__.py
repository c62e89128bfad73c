"""What the pages share: cached loaders, colours and words, figures. Draws, never decides."""

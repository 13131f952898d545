"""In a real browser, without a screen."""

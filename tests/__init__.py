"""The test suite: one folder for each layer, browser/ and reliability/ beside them."""

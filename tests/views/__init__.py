"""The browser's pages, asked by Django's client."""

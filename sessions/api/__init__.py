"""The JSON API: routers translate and call; what they share is a small file each."""

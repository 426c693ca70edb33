"""The HTTP routes, by what they are about; each module gives a list of aiohttp routes for one core."""

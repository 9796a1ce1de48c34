"""Media by content: is it whole, what is in it, one frame of it, the cut of many.

Never knows the store, a gateway or a shot. PyAV and Pillow are loaded by the functions that use
them, because most runs use neither.
"""

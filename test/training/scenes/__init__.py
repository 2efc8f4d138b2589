"""Scenes drawn from an integer seed, the same on every machine, with the truth about what is in them.

Coordinates are pixels of the picture, x to the right and y down; the centre of the first pixel is (0, 0), so a picture
reaches from -0.5 to its size - 0.5. Pictures are uint8 [height, width, 3], blue green red, as OpenCV has them.
"""

# Seeds from here on belong to held-out scenes; training stays below.
HELD_OUT = 1_000_000_000

"""Shows results to people: tables on the screen, figures, the HTML report, the timeline.

Everything here takes finished results and computes no figure of its own.
"""

"""Shows results to people: tables on the screen, figures, the HTML report, the timeline.

Everything here takes finished results and computes no figure of its own.

sections   what a report says: question, headline numbers, tables (service_tables, resource_tables), sources
screen     the same on the terminal (fitting: tables in the width there is)
html       the same in one file, with figures (series, style)
timeline   steps for chrome://tracing
comparison several results beside one another (cost_over_load, frontier, predicted_measured)
numbers    numbers as text; table: a table of text
"""

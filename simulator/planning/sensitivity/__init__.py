"""Sensitivity: which input decides a figure.

question  which inputs are moved how far, and what figure is looked at
tornado   one input after the other from its low to its high end
sobol     shares of a figure's variance by input, alone and together with others (SALib)
tables    both for the screen
"""

"""The command line: thin commands that parse, call the Python API and print.

One module per command. Their tops import nothing heavy, so that ``simulator --help``
answers at once; what a command works with it imports when it runs. Exit codes: 0 it ran,
1 the answer to a yes/no question is no, 2 the input is wrong.
"""

"""Search of large design spaces with Optuna.

search   ask for designs, simulate them, tell what came out
"""

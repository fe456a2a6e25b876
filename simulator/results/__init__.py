"""Recorded columns and everything computed from them: metrics, cost, energy, carbon."""

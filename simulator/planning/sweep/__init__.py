"""What-if sweeps: many points over any keys of a scenario, resumable.

axes          what ``--set key=v1,v2`` means, and the grid that several of them span
ranges        a key and the range of its number
point         one point: what is set, the seed, and the record that its simulation leaves
journal       finished points on disk, one line each, safe against a kill at any time
sweep         runs the points that the journal lacks
designs       points that differ only in the seed, taken together, with intervals
differences   differences to the first design under the same traffic, with intervals
pareto        the designs that no other beats in everything
table         one row per point, for CSV and Parquet
"""

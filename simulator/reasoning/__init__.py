"""Test-time compute: programs that turn one user's task into many requests, and what that buys.

==============  ==============================================================
`text`          what a call reads and what it leaves behind, for the KV cache
`task`          one task under way: its calls, its clock, its account
`desk`          takes tasks from a workload and runs a program for each
`judging`       who is right, and what a verifier thinks of it
`strategies`    the programs, one file each
`quality`       published laws of accuracy: coverage, votes, verifiers, tokens
==============  ==============================================================
"""

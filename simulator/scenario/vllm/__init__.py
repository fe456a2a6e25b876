"""Pasted ``vllm serve`` command lines.

args          a command line as a pool
command_line  its words: environment, model, flags
values        the values behind flags, read as vLLM reads them
flags         which flag means what
speculation   ``--speculative-config``
defaults      what vLLM does by default on a device
"""

"""Hand-over of a design to those who run it.

flags      the ``vllm serve`` command line of a pool
split      roles, ports and the proxy of servers that hand KV caches over
targets    load per replica that the design was proved with, and thresholds from it
autoscale  values for KEDA and a HorizontalPodAutoscaler
handover   all of it as files
"""

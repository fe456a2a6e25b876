"""What is known of where predictions go wrong: the part of ``docs/validation.md`` that a person writes.

No figures: those stand in the tables and notes around it, which are computed. To be read again whenever they
are compared anew.
"""

LIMITS = """\
## What limits these figures

What is known of where predictions go wrong, by the term that is off. Time and draw were looked at apart for
every server (model, format, devices, layout) of ML.ENERGY, the time of a prompt apart from that of an
answer. The figures are in the notes above.

- **Noise of the bench.** Servers of ML.ENERGY that were measured twice at one load agree well in time and
  differ several times as much in draw, and the draw of some jumps from one number of seats to the next while
  the time goes on as before: cards differ. Llama-3.1-8B on one H100 stays below the draw that it was measured
  at, others with the same work are met. No term of the model removes that; it is most of what is left for
  dense models on H100. A term of memory traffic, which single loads of our own show, makes models left out
  worse (`docs/latency.md`).
- **Steps of one B200** rise and fall with the number of seats without order, and the draw falls while they
  rise: the host was busy. Under long answers to exam questions all models take about the same time a step,
  whatever the device works in it, and the slowest gaps between tokens are far longer than the middle one, as
  nowhere else: the engine waits for a processor, and what the device does meanwhile does not show
  (`simulator.calibration.points.busy_host`). What such a step takes, and how it grows with the seats, is
  fitted to the other models on that machine. That it is a least time, and no wait on top of the device's
  (which leaves those rows twice as far off), was seen in rows that are scored here; its size was not. These
  rows stay out of fits of the engine's own work. What is left of them has no order: one model takes longer
  with 8 seats than with 16. Nemotron Nano, which has no card and so is neither scored nor learnt from, was
  measured there too and grows less with its seats: with it as a fifth model to learn from, long reasoning
  would be some 0.8 points worse.
- **8-bit experts in blocks.** Qwen3-235B in 8 bits is right in time and low in draw on both devices,
  DeepSeek-V3 in the same format is not. The first computes tiles of 64 tokens for every expert visited, most
  of it padding; counting that as work mends it and spoils the other, whose kernels must pad less. It is not
  counted.
- **Attention in data-parallel ranks** (Qwen3-Coder-480B in 8 bits): all ranks are padded to the fullest, as
  vLLM 0.11 does. A step with one prompt then takes on four ranks what was measured (the slowest hundredth of
  the gaps between tokens), and on eight ranks half of it; decoding alone is too quick on both. What a rank
  does with rows that are not its own, and where the router sends padding, is not modelled. Such rows are
  predicted and counted, but nothing is fitted to them.
- **Experts on few ranks.** The busiest of the ranks decides a layer's time, and the others wait: counted
  since it was found in the draw of models with one active expert (Llama 4), still too high at few seats.
- **Experts on eight ranks** take too little with many seats. Were each rank to pass the copies of all ranks'
  tokens through its activations, not its own only, half of that would be mended for Qwen3-235B in 8 bits, and
  the same figure would come out over all models; Qwen3-30B, in long reasoning too, would be further off. It
  is not counted.
- **More than 512 seats** are in no fit: how many requests such a run sent, and so what it found in its
  prefix cache, is not published.
- **Long reasoning.** How alike the tokens of thoughts choose their experts was measured with two models
  only. Each used to tell the other wrong, until it was seen that latent attention of vLLM 0.11 on Blackwell
  waits for the longest context of a batch (`longest_share`: a kernel that gives whole sequences to clusters,
  nothing fitted); since then both show the same share of tokens that choose independently, and both are
  predicted from the other. That this term exists was seen in rows that are scored here; its size was not.
  What is left is Qwen3-30B on two H100 beyond 64 seats, where a step hardly grows with the batch as measured,
  and DeepSeek at 128, where two versions of one model differ by as much.
- **Silicon points left out.** Every device is met about as well from the others as with all: what is fitted
  there belongs to the engines, not to the devices. Models differ more, Qwen3-235B most.
- **Draw over time** is low while a card without a profile works: the RTX A6000 draws its limit then, which
  constants of GPUs with HBM do not know. When it works, stands by and rests is right to the second.

"""

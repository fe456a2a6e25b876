"""Planning: what-ifs over many simulations.

run_many            many scenarios, in processes or on a Ray cluster, results in order
layouts             ways to lay a model out on a device
sweep               many points over any keys, resumable, with intervals and the Pareto front
size                the fewest units, or the cheapest design, that meet the objectives
why                 where the time goes, headroom, the worst request, the change that saves most
operations          hand-over: vLLM flags, roles of split servers, target concurrency, KEDA and HPA values
search              large design spaces, with Optuna
sensitivity         which input decides a figure: tornado, Sobol
intervals           confidence intervals
load                how much traffic a scenario has, and the scenario with more, less or none of it
capacity            the highest load that a cluster carries within the objectives, by short runs
entrant_names       what hardware to choose among is called
compare_hardware    one scenario on many devices at equal service level: the designs of size, side by side
price_tables        what kinds of prices stand beside one another
paired              differences of results under the same traffic, with intervals
crossover           which hardware is cheapest at which load
claims              claims on test-time compute, serving and hardware: simulated, borne out or not
frontier            quality against cost: models, strategies and hardware against each other
deepseek_day        DeepSeek's published day beside a simulated one
"""

"""How fast, against whom, measured side by side: `make bench`, or `python -m bench [SECTION…]`.

start        what one start of the program costs
graphs       the same graph in ninja, make, doit, Snakemake and DVC; prepares them by itself
cold         reading and checking a large storyboard, against the scan of its text
wire         submit, look, download, store, against plain httpx
order        makespan over the lower bound, under a clock that is not real
polls        looks and lateness, against a fixed interval
scale        ten thousand takes in flight; a film of a gigabyte; 100,000 shots on paper
results      every sample in results.json, what they mean in results.md
chart        the picture in docs/performance.md
"""

"""Prints the maximum flow of each trust network on standard input, by networkx.

A network is one line: seed capacity, member capacity, connection capacity, the seeds and the connections, separated by
semicolons. A connection is from:to:hundredths.
"""

import sys

import networkx


def maximum_flow(line):
    seed_capacity, member_capacity, connection_capacity, seeds, connections = line.strip().split(";")
    seed_capacity, member_capacity = int(seed_capacity), int(member_capacity)
    seeds = {int(seed) for seed in seeds.split(",")}
    connections = [tuple(map(int, each.split(":"))) for each in connections.split(",") if each]
    members = seeds | {member for start, end, _ in connections for member in (start, end)}
    graph = networkx.DiGraph()
    for member in members:
        capacity = max(seed_capacity, member_capacity) if member in seeds else member_capacity
        graph.add_edge(("in", member), ("out", member), capacity=max(capacity, 1) - 1)
        graph.add_edge(("in", member), "sink", capacity=1)
    for seed in seeds:
        graph.add_edge("source", ("in", seed), capacity=seed_capacity)
    for start, end, hundredths in connections:
        graph.add_edge(("out", start), ("in", end), capacity=hundredths * int(connection_capacity) // 100)
    return networkx.maximum_flow_value(graph, "source", "sink")


for network in sys.stdin:
    print(maximum_flow(network))

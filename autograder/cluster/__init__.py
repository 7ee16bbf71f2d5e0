"""Grading on several machines: the work of `pool`, done by the workers of a Dask cluster.

| module | where it runs | what it does |
|---|---|---|
| `makeup` | both | what results depend on, part by part, and what is not the same |
| `order` | both | what the command asks a worker for: one notebook, and how it must be graded |
| `node` | worker | keeps warm grading processes, and grades one notebook at a time in each |
| `flow` | command | sends as many orders as the cluster can use and gives back the answers |
| `client` | command | finds the scheduler, turns answers into records |

What crosses is JSON (msgspec) as plain bytes, and the name of one function. Dask itself pickles, between the command,
the scheduler and the workers, which trust each other; nothing that a student wrote is ever unpickled, for to Dask it
is bytes, and the worker reads them as JSON. Whoever can talk to a Dask scheduler can run what they like on its workers:
the cluster belongs in a private network, or needs TLS with certificates for both sides (docs/cluster.md).
"""

from autograder.cluster.client import ClusterPool

__all__ = ["ClusterPool"]

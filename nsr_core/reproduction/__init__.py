"""The paper's whole experiment as a list of independent tasks that can be stopped, gone on with, and spread over a cluster."""

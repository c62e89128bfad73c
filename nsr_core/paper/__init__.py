"""The paper's tables, figures and claims beside ours: the page Paper. See ``nsr_core.paper.replication.published_and_ours``."""

"""What a network's robustness is worth: the page Verdict. See ``nsr_core.verdict.verdict.read_verdict``."""

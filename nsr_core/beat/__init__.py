"""One beat in full: the page Beat lab. See ``nsr_core.beat.attack.attack_beat``."""

"""What the documentation shows is what the shipped checkpoints hold."""

import pytest

from docs.write_blocks import BLOCKS, between_marks

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("path", "name"), BLOCKS, ids=lambda part: getattr(part, "name", part))
def test_a_block_is_what_the_shipped_results_give(path, name):
    text = path.read_text()
    begin, end = between_marks(text, name)
    assert text[begin:end] == BLOCKS[path, name](), "Run: python -m docs.write_blocks"

"""A check beside the weights."""

import pytest

from nsr_core.errors import UserError
from nsr_core.verdict.masking import MASKING_FILE, load_masking

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"signs": [{"light": "green"}]}'])
def test_a_damaged_file_is_named(content, tmp_path):
    (tmp_path / MASKING_FILE).write_text(content)
    with pytest.raises(UserError, match=r"masking\.json cannot be read"):
        load_masking(tmp_path)

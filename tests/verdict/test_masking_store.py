"""A check beside the weights."""

import pytest

from nsr_core.errors import UserError
from nsr_core.verdict.masking import (
    MASKING_FILE,
    load_masking,
    save_masking,
)

pytestmark = pytest.mark.slow


def test_a_check_is_kept_and_read_again_as_it_was(plain, tmp_path):
    assert load_masking(tmp_path) is None
    save_masking(plain, tmp_path)
    assert load_masking(tmp_path) == plain
    (tmp_path / MASKING_FILE).rename(tmp_path / "alarm.json")  # as earlier versions called it
    assert load_masking(tmp_path) == plain
    save_masking(plain, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [MASKING_FILE]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"signs": [{"light": "green"}]}'])
def test_a_damaged_file_is_named(content, tmp_path):
    (tmp_path / MASKING_FILE).write_text(content)
    with pytest.raises(UserError, match=r"masking\.json cannot be read"):
        load_masking(tmp_path)

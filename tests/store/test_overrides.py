"""What a load was told to let pass, as it is kept with the load: headers of HR hold whatever a site wrote."""

import pytest

from recon.store.overrides import from_text, to_text


@pytest.mark.parametrize(
    "header", ["Site", "FTE (1=full)", "Cost centre, old", "a\\, b,", ", worker=7, ", "\\", "100 %"]
)
def test_what_was_accepted_is_read_as_it_was_told(header):
    told = ["worker=40", f"worker_attribute.{header}=0", "worker_prior_id.prior_id=1"]
    assert from_text(to_text(told)) == told


def test_names_without_a_comma_are_kept_as_they_always_were():
    told = ["entra_user=40", "entra_user_othermail.value=1"]
    assert (to_text(told), from_text("entra_user=40, entra_user_othermail.value=1")) == (", ".join(told), told)
    assert (to_text([]), from_text(None)) == (None, [])

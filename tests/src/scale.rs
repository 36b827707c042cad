//! How long a repeated test repeats: a sample in `cargo verify`, in full in `cargo campaign`.

/// The environment variable that `cargo campaign` sets to `campaign`.
pub const VARIABLE: &str = "GANGPLANK_TEST_SCALE";

/// Whether this run is a campaign.
#[must_use]
pub fn is_campaign() -> bool {
    std::env::var(VARIABLE).is_ok_and(|scale| scale == "campaign")
}

/// The number of trials for this run.
#[must_use]
pub fn trials(verify: usize, campaign: usize) -> usize {
    if is_campaign() { campaign } else { verify }
}

//! "Did you mean": the nearest known name to a mistyped one.

/// Names longer than this are nobody's typing error, and comparing them would cost a hostile file's length squared.
const LONGEST_COMPARED: usize = 64;

/// The known name nearest to `written`, when it is near enough to be a slip: at most a third of its letters differ,
/// or only the case.
pub(crate) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if written.len() > LONGEST_COMPARED {
        return None;
    }
    let lower = written.to_ascii_lowercase();
    let tolerated = written.chars().count().div_ceil(3).min(3);
    known
        .into_iter()
        .filter(|name| name.len().abs_diff(written.len()) <= tolerated)
        .map(|name| (strsim::osa_distance(&lower, &name.to_ascii_lowercase()), name))
        .filter(|(distance, _)| *distance <= tolerated)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_slips_and_nothing_else() {
        let known = ["image", "name", "postCreateCommand", "remoteUser", "runArgs"];
        assert_eq!(nearest("iamge", known), Some("image"));
        assert_eq!(nearest("postcreatecommand", known), Some("postCreateCommand"));
        assert_eq!(nearest("remoteUsers", known), Some("remoteUser"));
        assert_eq!(nearest("kubernetes", known), None);
        assert_eq!(nearest(&"image".repeat(100), known), None);
    }
}

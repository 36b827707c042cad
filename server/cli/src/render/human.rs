//! Sizes and times as people read them, in Docker's words.

/// Bytes with three significant digits and decimal units, as in `118MB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    let mut unit = 0;
    let mut whole = bytes;
    let mut divisor = 1_u64;
    while whole >= 1000 && unit + 1 < UNITS.len() {
        divisor *= 1000;
        whole = bytes / divisor;
        unit += 1;
    }
    let rest = bytes % divisor;
    match (unit, whole) {
        (0, _) | (_, 100..) => format!("{whole}{}", UNITS[unit]),
        (_, 10..) => format!("{whole}.{}{}", rest * 10 / divisor, UNITS[unit]),
        _ => format!("{whole}.{:02}{}", rest * 100 / divisor, UNITS[unit]),
    }
}

/// How long ago a time was, as in `3 minutes ago`; both in milliseconds since the Unix epoch.
pub(crate) fn ago(then: u64, now: u64) -> String {
    let seconds = now.saturating_sub(then) / 1000;
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let days = hours / 24;
    let text = match seconds {
        0 => "Less than a second".to_owned(),
        1 => "1 second".to_owned(),
        2..60 => format!("{seconds} seconds"),
        60..120 => "About a minute".to_owned(),
        _ if minutes < 60 => format!("{minutes} minutes"),
        _ if minutes < 90 => "About an hour".to_owned(),
        _ if hours < 48 => format!("{} hours", (minutes + 30) / 60),
        _ if days < 14 => format!("{days} days"),
        _ if days < 60 => format!("{} weeks", days / 7),
        _ if days < 730 => format!("{} months", days / 30),
        _ => format!("{} years", days / 365),
    };
    format!("{text} ago")
}

/// A duration in milliseconds, as in `0.3 s` or `2 min 5 s`.
pub(crate) fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0..10 => format!("{seconds}.{} s", milliseconds % 1000 / 100),
        10..60 => format!("{seconds} s"),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// Now, in milliseconds since the Unix epoch.
pub(crate) fn now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_dockers() {
        for (bytes, text) in [
            (0, "0B"),
            (999, "999B"),
            (1_000, "1.00kB"),
            (4_260_000, "4.26MB"),
            (74_800_000, "74.8MB"),
            (118_000_000, "118MB"),
            (1_200_000_000, "1.20GB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn times_are_dockers() {
        const S: u64 = 1000;
        for (passed, text) in [
            (0, "Less than a second ago"),
            (59 * S, "59 seconds ago"),
            (61 * S, "About a minute ago"),
            (180 * S, "3 minutes ago"),
            (3700 * S, "About an hour ago"),
            (5 * 3600 * S, "5 hours ago"),
            (3 * 86400 * S, "3 days ago"),
            (21 * 86400 * S, "3 weeks ago"),
            (100 * 86400 * S, "3 months ago"),
            (800 * 86400 * S, "2 years ago"),
        ] {
            assert_eq!(ago(1_000_000_000_000, 1_000_000_000_000 + passed), text);
        }
        assert_eq!(ago(5, 1), "Less than a second ago");
    }
}

//! Sizes and counts of processors as Docker's flags write them.

/// A size in bytes: `64m`, `1.5g`, `512`, `10GiB`, `2 kb`. Units count in steps of 1024 whatever their spelling, as
/// Docker's `RAMInBytes` does. `None` when it is not a size or does not fit.
pub fn bytes(text: &str) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = unit.strip_prefix(' ').unwrap_or(unit).to_ascii_lowercase();
    let shift = match unit.as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        "p" | "pb" | "pib" => 50,
        _ => return None,
    };
    let (value, scale) = decimal(number, 9)?;
    let bytes = value.checked_mul(1 << shift)? / scale;
    u64::try_from(bytes).ok().filter(|bytes| i64::try_from(*bytes).is_ok())
}

/// Processors in billionths of one: `1.5` is 1 500 000 000. `None` when it is not a number or too fine.
pub fn nano_cpus(text: &str) -> Option<i64> {
    let (value, scale) = decimal(text, 9)?;
    i64::try_from(value * 1_000_000_000 / scale).ok()
}

/// A decimal number as an integer and the power of ten it is to be divided by. Exact, unlike a float.
fn decimal(text: &str, most_decimals: u32) -> Option<(u128, u128)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let decimals = u32::try_from(fraction.len()).ok()?;
    if !digits(whole) || !digits(fraction) || whole.len() + fraction.len() == 0 || decimals > most_decimals {
        return None;
    }
    // Twenty digits before the point are beyond any quantity that is asked for, and keep the product within bounds.
    if whole.len() > 20 {
        return None;
    }
    Some((format!("{whole}{fraction}").parse().ok()?, 10u128.pow(decimals)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_docker_s() {
        for (text, expected) in [
            ("0", Some(0)),
            ("512", Some(512)),
            ("32b", Some(32)),
            ("1k", Some(1024)),
            ("1KB", Some(1024)),
            ("1kiB", Some(1024)),
            ("1.5g", Some(3 << 29)),
            ("2 kb", Some(2048)),
            (".5k", Some(512)),
            ("8p", Some(8 << 50)),
            ("8192p", None),
            ("", None),
            (".", None),
            ("-1", None),
            ("1x", None),
            ("1  k", None),
            ("1.2.3k", None),
            ("99999999999999999999999p", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }

    #[test]
    fn processors_are_exact() {
        assert_eq!(nano_cpus("1.5"), Some(1_500_000_000));
        assert_eq!(nano_cpus("0.000000001"), Some(1));
        assert_eq!(nano_cpus("0.0000000001"), None);
        assert_eq!(nano_cpus("two"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "[0-9.]{0,40}[a-z ]{0,4}") {
            bytes(&text);
            nano_cpus(&text);
        }
    }
}

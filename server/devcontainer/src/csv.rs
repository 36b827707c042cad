//! One record of comma-separated values, as `--mount`, `--gpus` and `--network` of Docker's CLI take it.
//!
//! Written by hand: Docker reads these with Go's `encoding/csv`, one record, quotes allowed around a whole field only
//! (`"source=/a,b",target=/c`). The `csv` crate reads files leniently and accepts what Docker refuses.

use thiserror::Error;

/// A record that cannot be split.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CsvError {
    /// A quote inside an unquoted field.
    #[error("a quote may only surround a whole field")]
    BareQuote,
    /// A quoted field that does not end.
    #[error("a quote is not closed")]
    OpenQuote,
    /// A line break outside quotes.
    #[error("a line break outside quotes")]
    LineBreak,
}

/// Splits a record into its fields, quotes removed.
pub(crate) fn split(record: &str) -> Result<Vec<String>, CsvError> {
    let mut fields = Vec::new();
    let mut rest = record;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => {
                let (field, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
                if field.contains('"') {
                    return Err(CsvError::BareQuote);
                }
                if field.contains(['\n', '\r']) {
                    return Err(CsvError::LineBreak);
                }
                (field.to_owned(), after)
            }
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(fields),
            None => return Err(CsvError::BareQuote),
        }
    }
}

/// The field whose opening quote has been taken, and what follows its closing quote.
fn quoted_field(text: &str) -> Result<(String, &str), CsvError> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"').ok_or(CsvError::OpenQuote)?;
        field.push_str(before);
        match after.strip_prefix('"') {
            Some(further) => {
                field.push('"');
                rest = further;
            }
            None => return Ok((field, after)),
        }
    }
}

/// Writes fields as one record, quoting those that need it.
pub(crate) fn join<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    let quoted = |field: &str| {
        if field.contains([',', '"', '\n', '\r']) || field.starts_with(' ') {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            field.to_owned()
        }
    };
    fields.into_iter().map(quoted).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_are_split_as_docker_does() {
        assert_eq!(split("a=1,b").unwrap(), ["a=1", "b"]);
        assert_eq!(split("\"a=1,2\",\"b\"\"q\"").unwrap(), ["a=1,2", "b\"q"]);
        assert_eq!(split("").unwrap(), [""]);
        assert_eq!(split("a=\"x\""), Err(CsvError::BareQuote));
        assert_eq!(split("\"a\"x"), Err(CsvError::BareQuote));
        assert_eq!(split("\"a"), Err(CsvError::OpenQuote));
        assert_eq!(split("a\nb"), Err(CsvError::LineBreak));
    }

    proptest! {
        #[test]
        fn any_fields_survive(fields in prop::collection::vec(any::<String>(), 1..5)) {
            prop_assert_eq!(split(&join(fields.iter().map(String::as_str))).unwrap(), fields);
        }
    }
}

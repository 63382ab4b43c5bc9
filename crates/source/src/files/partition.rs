//! Hive-style partition folders (`date=2026-01-01/hour=7`): their columns, the types of these, and their values.

use sluice_model::{SparkField, SparkType};

use crate::option::{PartitionColumns, ReadFilesOptions};

/// What Hive writes for NULL.
const NULL_FOLDER: &str = "__HIVE_DEFAULT_PARTITION__";

/// Name and value of each partition folder among the folders of a file, from the top down.
pub(crate) fn values_of<'a>(folders: &[&'a str]) -> Vec<(String, Option<String>)> {
    let pairs = folders
        .iter()
        .filter_map(|folder: &&'a str| folder.split_once('='));
    pairs
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| {
            (
                unescape(name),
                (value != NULL_FOLDER).then(|| unescape(value)),
            )
        })
        .collect()
}

/// Hive writes characters that a path cannot hold as `%XX`.
fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut position = 0;
    while let Some(byte) = bytes.get(position) {
        let code = text
            .get(position + 1..position + 3)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(code) if *byte == b'%' => {
                out.push(code);
                position += 3;
            }
            _ => {
                out.push(*byte);
                position += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_string())
}

/// The partition columns of a set of files, in folder order, with the narrowest type that all values fit.
///
/// `folders` gives each file's folders below the fixed part of the path. Types come from `schema` and
/// `schemaHints` where these name the column; types are inferred only with `inferColumnTypes`.
pub(crate) fn columns_of<'a>(
    folders: impl Iterator<Item = Vec<&'a str>>,
    options: &ReadFilesOptions,
) -> Vec<SparkField> {
    let mut found: Vec<(String, Option<SparkType>)> = vec![];
    for file in folders {
        for (name, value) in values_of(&file) {
            let value_type = value.as_deref().map(|text| {
                if options.infer_column_types {
                    type_of(text)
                } else {
                    SparkType::String
                }
            });
            match found
                .iter_mut()
                .find(|(known, _)| known.eq_ignore_ascii_case(&name))
            {
                Some((_, known)) => *known = wider(known.take(), value_type),
                None => found.push((name, value_type)),
            }
        }
    }
    if let PartitionColumns::Only(names) = &options.partition_columns {
        let all = found;
        found = names
            .iter()
            .map(|name| {
                all.iter()
                    .find(|(known, _)| known.eq_ignore_ascii_case(name))
                    .cloned()
                    .unwrap_or((name.clone(), None))
            })
            .collect();
    }
    found
        .into_iter()
        .map(|(name, inferred)| {
            let declared = options
                .schema
                .iter()
                .flatten()
                .find(|field| field.name.eq_ignore_ascii_case(&name));
            let data_type = declared
                .map(|field| field.data_type.clone())
                .or_else(|| options.hinted_type(&name).cloned())
                .or(inferred)
                .unwrap_or(SparkType::String);
            SparkField::new(declared.map_or(name, |field| field.name.clone()), data_type)
        })
        .collect()
}

fn type_of(text: &str) -> SparkType {
    let digit_last = text.ends_with(|letter: char| letter.is_ascii_digit());
    if text.parse::<i32>().is_ok() {
        SparkType::Int
    } else if text.parse::<i64>().is_ok() {
        SparkType::Long
    } else if digit_last
        && text.starts_with(|letter: char| {
            letter.is_ascii_digit() || matches!(letter, '-' | '+' | '.')
        })
        && text.parse::<f64>().is_ok()
    {
        SparkType::Double
    } else if text.len() == 10 && chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() {
        SparkType::Date
    } else if ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
        .iter()
        .any(|form| chrono::NaiveDateTime::parse_from_str(text, form).is_ok())
    {
        SparkType::Timestamp
    } else {
        SparkType::String
    }
}

fn wider(left: Option<SparkType>, right: Option<SparkType>) -> Option<SparkType> {
    let (Some(left), Some(right)) = (left.clone(), right.clone()) else {
        return left.or(right);
    };
    if left == right {
        return Some(left);
    }
    let rank = |data_type: &SparkType| match data_type {
        SparkType::Int => 0,
        SparkType::Long => 1,
        SparkType::Double => 2,
        _ => 3,
    };
    Some(match rank(&left).max(rank(&right)) {
        1 => SparkType::Long,
        2 => SparkType::Double,
        _ => SparkType::String,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::option::SourceCall;

    fn check(folders: &[&str], expected: &str) {
        let options = ReadFilesOptions::defaults(SourceCall::ReadFiles);
        let files = folders
            .iter()
            .map(|path| path.split('/').collect::<Vec<_>>());
        let shown: Vec<String> = columns_of(files, &options)
            .iter()
            .map(|field| format!("{} {}", field.name, field.data_type))
            .collect();
        assert_eq!(shown.join(", "), expected, "{folders:?}");
    }

    #[test]
    fn types_are_the_narrowest_that_fit_all_values() {
        check(
            &["date=2026-01-01/hour=07", "date=2026-01-02/hour=12"],
            "date date, hour int",
        );
        check(&["a=1", "a=3000000000"], "a bigint");
        check(&["a=1", "a=1.5"], "a double");
        check(&["a=1", "a=x"], "a string");
        check(&["a=1", "a=__HIVE_DEFAULT_PARTITION__"], "a int");
        check(&["a=__HIVE_DEFAULT_PARTITION__"], "a string");
        check(&["t=2026-01-01 00%3A00%3A00"], "t timestamp");
        check(&["a=1d", "b"], "a string");
        check(&["x/y"], "");
    }

    #[test]
    fn values_are_unescaped_and_null_is_null() {
        let values = values_of(&["x", "a%2Fb=c%20d", "n=__HIVE_DEFAULT_PARTITION__", "p=50%"]);
        let expected = [("a/b", Some("c d")), ("n", None), ("p", Some("50%"))];
        assert_eq!(
            values,
            expected.map(|(name, value)| (name.to_string(), value.map(str::to_string)))
        );
    }

    #[test]
    fn named_partition_columns_keep_their_order_and_an_empty_list_has_none() {
        let mut options = ReadFilesOptions::defaults(SourceCall::ReadFiles);
        for (names, expected) in [(vec!["b", "a"], "b,a"), (vec![], "")] {
            options.partition_columns =
                PartitionColumns::Only(names.into_iter().map(str::to_string).collect());
            let columns = columns_of([vec!["a=1", "b=2", "c=3"]].into_iter(), &options);
            assert_eq!(
                columns
                    .iter()
                    .map(|field| field.name.as_str())
                    .collect::<Vec<_>>()
                    .join(","),
                expected
            );
        }
    }
}

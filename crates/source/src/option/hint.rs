//! `schemaHints`: types that stand above inferred ones, for columns and for fields inside them.

use sluice_model::{SparkField, SparkType};

/// One hint: a path of names (`a.b`, `list.element`, `map.value`) and the type to use there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaHint {
    /// Names from the column down.
    pub path: Vec<String>,
    /// The type to use.
    pub data_type: SparkType,
}

impl SchemaHint {
    /// Whether the hint is about this whole column; without regard to case.
    #[must_use]
    pub fn is_column(&self, column: &str) -> bool {
        matches!(self.path.as_slice(), [only] if only.eq_ignore_ascii_case(column))
    }

    /// Parses `a INT, b.c DATE, tags MAP<STRING,STRING>`.
    ///
    /// # Errors
    /// The text with its reason where a piece is no name with a type.
    pub(crate) fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        split_columns(text)
            .into_iter()
            .filter(|piece| !piece.trim().is_empty())
            .map(Self::parse)
            .collect()
    }

    fn parse(piece: &str) -> Result<Self, String> {
        let piece = piece.trim();
        let mut quoted = false;
        let end = piece
            .char_indices()
            .find(|(_, letter)| {
                quoted ^= *letter == '`';
                !quoted && (letter.is_whitespace() || *letter == ':')
            })
            .map(|(index, _)| index)
            .ok_or_else(|| format!("`{piece}` has no type"))?;
        let type_text = piece[end..].trim_start_matches(|c: char| c.is_whitespace() || c == ':');
        let data_type =
            parse_type(type_text).map_err(|reason| format!("in `{piece}`: {reason}"))?;
        let path: Vec<String> = split_names(&piece[..end]);
        if path.iter().any(String::is_empty) {
            return Err(format!("`{piece}` has an empty name"));
        }
        Ok(Self { path, data_type })
    }
}

/// A type, possibly followed by NOT NULL or COMMENT as in a column list.
fn parse_type(text: &str) -> Result<SparkType, String> {
    match sluice_model::data_type::parse_schema(&format!("hint {text}"))
        .map_err(|error| error.message)?
        .as_slice()
    {
        [SparkField { data_type, .. }] => Ok(data_type.clone()),
        _ => Err("expected one type".into()),
    }
}

fn split_names(text: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut quoted = false;
    for letter in text.chars() {
        match letter {
            '`' => quoted = !quoted,
            '.' if !quoted => names.push(String::new()),
            _ => {
                if let Some(name) = names.last_mut() {
                    name.push(letter);
                }
            }
        }
    }
    names
}

fn split_columns(text: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut start, mut pieces) = (0_i32, false, 0, vec![]);
    for (index, letter) in text.char_indices() {
        match letter {
            '`' => quoted = !quoted,
            '<' | '(' if !quoted => depth += 1,
            '>' | ')' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                pieces.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    pieces.push(&text[start..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_reach_into_nested_fields() {
        let hints = SchemaHint::parse_list(
            "a INT, b.c.d DECIMAL(10, 2), tags MAP<STRING,STRING>, `x.y` DATE",
        )
        .unwrap();
        let shown: Vec<String> = hints
            .iter()
            .map(|hint| format!("{} {}", hint.path.join("/"), hint.data_type))
            .collect();
        assert_eq!(
            shown,
            [
                "a int",
                "b/c/d decimal(10,2)",
                "tags map<string,string>",
                "x.y date"
            ]
        );
    }

    #[test]
    fn a_hint_without_a_type_is_refused() {
        for text in ["a", "a INTT", "a..b INT", "a array<"] {
            assert!(SchemaHint::parse_list(text).is_err(), "{text}");
        }
    }
}

//! What stands between the brackets of an expression: JSON values separated by commas, or, when it is no JSON, one text
//! as it is. Must not know which helper they are for.

use serde_json::Value;

use super::Mistake;

/// Arguments of one expression.
#[derive(Debug)]
pub(crate) struct Arguments<'a> {
    pub(crate) values: Vec<Value>,
    /// The text as written.
    pub(crate) text: &'a str,
    /// Where it begins, in bytes from the start of the expression.
    start: usize,
}

impl<'a> Arguments<'a> {
    pub(crate) fn parse(text: &'a str, start: usize) -> Result<Self, Mistake> {
        let start = start + text.len() - text.trim_start().len();
        let text = text.trim();
        let values = match serde_json::from_str::<Vec<Value>>(&format!("[{text}]")) {
            Ok(values) => values,
            Err(error) if text.starts_with(['{', '[', '"']) => {
                return Err(Mistake {
                    start,
                    length: text.len(),
                    message: format!("the argument is no JSON: {error}"),
                    help: Some(
                        "texts and names of fields stand in double quotes: `{\"min\": 1, \"max\": 3}`"
                            .to_owned(),
                    ),
                });
            }
            Err(_) => vec![Value::String(text.to_owned())],
        };
        Ok(Self {
            values,
            text,
            start,
        })
    }

    pub(crate) fn first(&self) -> Option<&Value> {
        self.values.first()
    }

    /// A mistake of these arguments.
    pub(crate) fn mistake(&self, message: impl Into<String>) -> Mistake {
        Mistake {
            start: self.start,
            length: self.text.len(),
            message: message.into(),
            help: None,
        }
    }

    /// The only text, if it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        self.first().and_then(Value::as_str)
    }

    /// A number of repetitions.
    pub(crate) fn count(&self, default: u64, most: u64) -> Result<u64, Mistake> {
        match self.first() {
            None => Ok(default),
            Some(value) => match value.as_u64() {
                Some(count) if (1..=most).contains(&count) => Ok(count),
                _ => Err(self.mistake(format!("expected a whole number from 1 to {most}"))),
            },
        }
    }

    /// A number under a name of the only object, or at a position among several arguments.
    pub(crate) fn number(
        &self,
        names: &[&str],
        position: usize,
        default: f64,
    ) -> Result<f64, Mistake> {
        let found = match self.first() {
            Some(Value::Object(object)) => names.iter().find_map(|name| object.get(*name)),
            _ => self.values.get(position),
        };
        match found {
            None | Some(Value::Null) => Ok(default),
            Some(Value::Number(number)) => {
                let number = number.as_f64().unwrap_or(f64::NAN);
                if number.abs() <= 9e15 {
                    Ok(number)
                } else {
                    Err(self.mistake("numbers are at most 9e15 here"))
                }
            }
            // The original takes numbers in quotes too.
            Some(Value::String(text))
                if text.trim().parse::<f64>().is_ok_and(|n| n.abs() <= 9e15) =>
            {
                Ok(text.trim().parse().unwrap_or(default))
            }
            Some(other) => Err(self.mistake(format!("expected a number, found {other}"))),
        }
    }
}

/// A value as a record shows it: texts without quotes.
pub(crate) fn shown(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    }
}

/// Digits behind the point of a number as it is usually written.
pub(crate) fn decimals_of(number: f64) -> usize {
    let text = number.to_string();
    text.split_once('.')
        .map_or(0, |(_, part)| part.len())
        .min(9)
}

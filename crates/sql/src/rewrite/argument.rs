//! Calls of table functions that read: named and positional arguments with literal values.

use sluice_model::Origin;
use sqlparser::tokenizer::Token;

use super::Rewriter;
use super::suffix::option_key;
use crate::cursor::{Cursor, Parsed};
use crate::lex::Lexeme;
use crate::lex::text::split_suffix;
use crate::query::{Argument, ArgumentValue, TableFunction};

/// Options of Auto Loader that `read_files` takes with their prefix.
const PREFIXED: &[&str] = &[
    "useNotifications",
    "useIncrementalListing",
    "backfillInterval",
    "cleanSource",
    "cleanSource.retentionDuration",
    "cleanSource.moveDestination",
    "maxFileAge",
];

impl Rewriter<'_> {
    /// Takes a call; its name comes next, in lower case `name`.
    pub(super) fn table_function(&mut self, name: &str) -> Parsed<TableFunction> {
        let origin = self.cursor.origin(self.cursor.here());
        self.cursor.next();
        let mut empty = self.cursor;
        let arguments = if empty.take_symbol(&Token::LParen) && empty.take_symbol(&Token::RParen) {
            self.cursor = empty;
            vec![]
        } else {
            self.cursor.list(|cursor| argument(cursor, 0))?
        };
        let call = TableFunction {
            name: name.to_string(),
            arguments,
            origin,
        };
        Ok(if name == "cloud_files" {
            read_files(call)
        } else {
            call
        })
    }
}

/// `name => value` or `value`.
fn argument(cursor: &mut Cursor<'_>, depth: usize) -> Parsed<Argument> {
    let from = cursor.at;
    let mut ahead = *cursor;
    let key = option_key(&mut ahead).ok();
    let name = key.filter(|_| ahead.take_symbol(&Token::RArrow));
    if name.is_some() {
        *cursor = ahead;
    }
    let value = value(cursor, depth)?;
    Ok(Argument {
        name,
        value,
        origin: cursor.origin(cursor.span_of(from, cursor.at)),
    })
}

/// Whether the value just read reaches to the end of its argument.
fn ends(cursor: &Cursor<'_>) -> bool {
    cursor.is_end() || cursor.sees_symbol(&Token::Comma) || cursor.sees_symbol(&Token::RParen)
}

/// Deeper `array(array(…))` and `map(…)` count as expressions.
const VALUE_DEPTH_MAX: usize = 8;

fn value(cursor: &mut Cursor<'_>, depth: usize) -> Parsed<ArgumentValue> {
    let from = cursor.at;
    if let Some(literal) = literal(cursor, depth)? {
        if ends(cursor) {
            return Ok(literal);
        }
        cursor.at = from;
    }
    while !ends(cursor) {
        if cursor.sees_symbol(&Token::LParen) {
            cursor.skip_group()?;
        } else {
            cursor.next();
        }
    }
    if cursor.at == from {
        return cursor.expected("a value");
    }
    Ok(ArgumentValue::Expression(
        cursor.text(from, cursor.at).to_string(),
    ))
}

/// A literal at the next token, if one stands there; more may follow it.
fn literal(cursor: &mut Cursor<'_>, depth: usize) -> Parsed<Option<ArgumentValue>> {
    let Some(Lexeme { token, .. }) = cursor.peek() else {
        return Ok(None);
    };
    Ok(Some(match token {
        Token::SingleQuotedString(_) => ArgumentValue::String(cursor.string("a string")?.value),
        Token::Number(text, _) => {
            cursor.next();
            ArgumentValue::Number(split_suffix(text).0.to_string())
        }
        Token::Minus | Token::Plus => {
            let sign = if *token == Token::Minus { "-" } else { "" };
            let Some(Lexeme {
                token: Token::Number(text, _),
                ..
            }) = cursor.peek_nth(1)
            else {
                return Ok(None);
            };
            cursor.at += 2;
            ArgumentValue::Number(format!("{sign}{}", split_suffix(text).0))
        }
        Token::Word(word) if word.quote_style.is_none() => {
            return word_value(cursor, &word.value, depth);
        }
        _ => return Ok(None),
    }))
}

fn word_value(cursor: &mut Cursor<'_>, word: &str, depth: usize) -> Parsed<Option<ArgumentValue>> {
    let opens = cursor
        .peek_nth(1)
        .is_some_and(|next| next.token == Token::LParen);
    let deeper = opens && depth < VALUE_DEPTH_MAX;
    let simple = match word.to_ascii_lowercase().as_str() {
        "true" => ArgumentValue::Boolean(true),
        "false" => ArgumentValue::Boolean(false),
        "null" => ArgumentValue::Null,
        "table" if opens => {
            cursor.at += 2;
            let name = cursor.qualified_name("the name of a table")?;
            cursor.need_symbol(&Token::RParen)?;
            return Ok(Some(ArgumentValue::Table(name)));
        }
        "array" if deeper => {
            cursor.next();
            return Ok(Some(ArgumentValue::Array(items(cursor, depth)?)));
        }
        "map" if deeper => {
            let from = cursor.at;
            cursor.next();
            let map = pairs(items(cursor, depth)?);
            if map.is_none() {
                let error = cursor.fail(
                    cursor.span_of(from, cursor.at),
                    "`map` takes pairs of a string key and a value",
                );
                return Err(error.help("write it as `map('key', 'value', ...)`").into());
            }
            return Ok(map);
        }
        _ => return Ok(None),
    };
    cursor.next();
    Ok(Some(simple))
}

fn items(cursor: &mut Cursor<'_>, depth: usize) -> Parsed<Vec<ArgumentValue>> {
    let mut empty = *cursor;
    if empty.take_symbol(&Token::LParen) && empty.take_symbol(&Token::RParen) {
        *cursor = empty;
        return Ok(vec![]);
    }
    cursor.list(|cursor| value(cursor, depth + 1))
}

fn pairs(items: Vec<ArgumentValue>) -> Option<ArgumentValue> {
    let mut entries = vec![];
    let mut items = items.into_iter();
    while let Some(key) = items.next() {
        let ArgumentValue::String(key) = key else {
            return None;
        };
        entries.push((key, items.next()?));
    }
    Some(ArgumentValue::Map(entries))
}

/// `cloud_files(path, format, map(…))` as `read_files(path, format => …)`, with the defaults of Auto Loader where
/// they differ from those of `read_files`.
fn read_files(call: TableFunction) -> TableFunction {
    let TableFunction {
        arguments, origin, ..
    } = call;
    let mut positional = 0;
    let mut converted: Vec<Argument> = vec![];
    for argument in arguments {
        let name = argument.name.clone().or_else(|| {
            positional += 1;
            (positional == 2).then(|| "format".to_string())
        });
        match argument.value {
            ArgumentValue::Map(entries) if argument.name.is_none() => {
                converted.extend(entries.into_iter().map(|(key, value)| Argument {
                    name: Some(option_name(&key)),
                    value,
                    origin: argument.origin.clone(),
                }));
            }
            value => converted.push(Argument {
                name,
                value,
                origin: argument.origin,
            }),
        }
    }
    for option in ["inferColumnTypes", "useStrictGlobber"] {
        let is_given = |argument: &Argument| {
            argument
                .name
                .as_deref()
                .is_some_and(|name| name.eq_ignore_ascii_case(option))
        };
        if !converted.iter().any(is_given) {
            converted.push(default_option(option, &origin));
        }
    }
    TableFunction {
        name: "read_files".into(),
        arguments: converted,
        origin,
    }
}

fn default_option(name: &str, origin: &Origin) -> Argument {
    Argument {
        name: Some(name.to_string()),
        value: ArgumentValue::Boolean(false),
        origin: origin.clone(),
    }
}

fn option_name(key: &str) -> String {
    let prefix = "cloudfiles.";
    let bare = match key.get(..prefix.len()) {
        Some(head) if head.eq_ignore_ascii_case(prefix) => &key[prefix.len()..],
        _ => return key.to_string(),
    };
    if PREFIXED
        .iter()
        .any(|option| option.eq_ignore_ascii_case(bare))
    {
        key.to_string()
    } else {
        bare.to_string()
    }
}

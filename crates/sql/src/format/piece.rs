//! What of a query the layout must not tear apart, or would take for something else. Must not know layouts.

use sqlparser::tokenizer::Token;

use crate::lex::Lexeme;

/// A run of tokens that stays together.
#[derive(Debug)]
pub(super) struct Piece {
    /// First byte.
    pub(super) start: usize,
    /// Byte after the last.
    pub(super) end: usize,
    /// The word that stands for it while lines are broken, as wide as it is; `None`: itself.
    pub(super) shown: Option<String>,
}

/// Words that may touch a parenthesis and are no functions.
const NOT_CALLED: &[&str] = &[
    "ALL",
    "AND",
    "ANY",
    "AS",
    "BETWEEN",
    "BY",
    "CASE",
    "DISTINCT",
    "ELSE",
    "EXCEPT",
    "EXISTS",
    "FILTER",
    "FROM",
    "HAVING",
    "IN",
    "INTERSECT",
    "JOIN",
    "NOT",
    "ON",
    "OR",
    "OVER",
    "QUALIFY",
    "SELECT",
    "THEN",
    "UNION",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
    "WITH",
];

/// The word of a token that is one, in capitals.
pub(super) fn word(lexeme: &Lexeme) -> Option<String> {
    match &lexeme.token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_ascii_uppercase()),
        _ => None,
    }
}

/// The pieces of a query in order; `None` when brackets do not match.
pub(super) fn pieces(query: &str, lexemes: &[Lexeme]) -> Option<Vec<Piece>> {
    let mut pieces = vec![];
    let mut at = 0;
    while let Some(first) = lexemes.get(at) {
        let last = last_of(lexemes, at)?;
        let end = lexemes.get(last)?.end;
        let text = query.get(first.start..end)?;
        let shown = if last > at || is_torn(text, first, lexemes.get(at + 1)) {
            Some("z".repeat(text.chars().count()))
        } else {
            stand_in(lexemes, at).map(ToOwned::to_owned)
        };
        pieces.push(Piece {
            start: first.start,
            end,
            shown,
        });
        at = last + 1;
    }
    Some(pieces)
}

/// The last token of the piece that begins with this one: names with their fields, paths and subscripts.
fn last_of(lexemes: &[Lexeme], first: usize) -> Option<usize> {
    let mut last = first;
    loop {
        let (Some(current), Some(next)) = (lexemes.get(last), lexemes.get(last + 1)) else {
            return Some(last);
        };
        if current.end != next.start {
            return Some(last);
        }
        let joins = |token: &Token| {
            matches!(
                token,
                Token::Colon | Token::DoubleColon | Token::Period | Token::AtSign
            )
        };
        let is_named = matches!(next.token, Token::Word(_));
        // `DATE'2026-11-21'`
        let is_typed = matches!(
            (&current.token, &next.token),
            (Token::Word(_), Token::SingleQuotedString(_))
        );
        if next.token == Token::LBracket {
            last = closing(lexemes, last + 1)?;
        } else if is_typed
            || (joins(&next.token) && current.token != Token::RParen)
            || (is_named && (joins(&current.token) || current.token == Token::Tilde))
        {
            last += 1;
        } else {
            return Some(last);
        }
    }
}

/// The bracket that closes the one here.
fn closing(lexemes: &[Lexeme], opening: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, lexeme) in lexemes.iter().enumerate().skip(opening) {
        match lexeme.token {
            Token::LBracket => depth += 1,
            Token::RBracket if depth == 1 => return Some(index),
            Token::RBracket => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Whether the crate would put spaces into a single token, or behind it.
fn is_torn(text: &str, lexeme: &Lexeme, next: Option<&Lexeme>) -> bool {
    let is_called = next.is_some_and(|next| {
        next.token == Token::LParen
            && next.start == lexeme.end
            && word(lexeme).is_some_and(|word| !NOT_CALLED.contains(&word.as_str()))
    });
    let is_prefixed = text.ends_with(['\'', '"']) && !text.starts_with(['\'', '"']);
    let has_suffix = text.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && text.contains(|c: char| c.is_alphabetic());
    is_called || is_prefixed || has_suffix || text.starts_with("${")
}

/// A word that the crate knows, in place of one of Spark's with the same place in a query.
fn stand_in(lexemes: &[Lexeme], at: usize) -> Option<&'static str> {
    let near = |index: Option<usize>| index.and_then(|index| lexemes.get(index)).and_then(word);
    let before = near(at.checked_sub(1));
    let after = near(Some(at + 1));
    match word(lexemes.get(at)?)?.as_str() {
        "QUALIFY" => Some("HAVING"),
        "LATERAL" if after.as_deref() == Some("VIEW") => Some("CROSS"),
        "VIEW" if before.as_deref() == Some("LATERAL") => Some("JOIN"),
        "SEMI" | "ANTI" if after.as_deref() == Some("JOIN") => Some("OUTER"),
        "EXCEPT" if at > 0 && lexemes.get(at - 1)?.token == Token::Mul => Some("zzzzzz"),
        _ => None,
    }
}

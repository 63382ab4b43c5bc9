//! The layout of the queries in a pipeline file: where lines break and how deep they stand. What is between `CREATE`
//! and the query stays as its author arranged it, and so does every word, every string and every comment.
//!
//! A crate decides the layout. It does not know the dialect, so it is shown a text in which each piece that it would
//! tear apart (`a:b.c`, `${key}`, `m['k']`, `now(`) is one plain word, and gets the pieces back in place of the words.
//! What comes out is compared with what went in, token by token and comment by comment; where they differ, the query
//! stays as it was. Must not read or write files.

use std::sync::Arc;

use sluice_model::Diagnostic;
use sluice_model::condition::command::STATEMENT_NOT_FORMATTED;
use sqlparser::tokenizer::Token;

use crate::cursor::Source;
use crate::lex::{Lexeme, lex};
use crate::parse::{lexical, tokens};
use crate::rewrite::depth::too_deep;
use crate::source_map::SourceMap;

mod piece;

use piece::{Piece, pieces, word};

/// Columns that a clause may take before it is broken into lines.
const LINE_COLUMNS: usize = 100;
/// Rounds until the layout of a query no longer changes; the crate needs two for some.
const ROUNDS_MAX: usize = 4;

/// A file with its queries laid out.
#[derive(Debug)]
pub struct Formatted {
    /// The text; the same as before when there was nothing to do.
    pub text: String,
    /// Warnings: queries that stay as they were because their layout could not be changed safely.
    pub left: Vec<Diagnostic>,
}

/// Lays out the queries of a pipeline file, `${…}` and all. Laying out the result again changes nothing.
///
/// # Errors
/// The places where the text is not even a sequence of tokens; whether it is SQL is not looked at.
pub fn format_file(file: &Arc<str>, text: &str) -> Result<Formatted, Vec<Diagnostic>> {
    let source = Source {
        text,
        map: SourceMap::new(Arc::clone(file), vec![]),
    };
    let (lexemes, errors) = tokens(&source).map_err(|error| vec![*error])?;
    if !errors.is_empty() {
        return Err(errors.iter().map(|error| lexical(&source, error)).collect());
    }
    let mut formatted = Formatted {
        text: String::with_capacity(text.len()),
        left: vec![],
    };
    let mut written = 0;
    for statement in lexemes.split(|lexeme| lexeme.token == Token::SemiColon) {
        let query = query_of(statement);
        let (Some(first), Some(last)) = (query.first(), query.last()) else {
            continue;
        };
        let before = text.get(first.start..last.end).unwrap_or_default();
        // Each level is a column further in: what is too deep to be parsed would become enormous.
        let is_deep = too_deep(query).is_some();
        if let Some(after) = (!is_deep).then(|| settle(before)).flatten() {
            formatted
                .text
                .push_str(text.get(written..first.start).unwrap_or_default());
            formatted.text.push_str(&after);
            written = last.end;
        } else {
            let message = "this query stays as it is: its layout cannot be changed safely";
            let warning = Diagnostic::warning(&STATEMENT_NOT_FORMATTED, message)
                .at(&source.map.origin(first.span), "begins here");
            formatted.left.push(warning);
        }
    }
    formatted
        .text
        .push_str(text.get(written..).unwrap_or_default());
    Ok(formatted)
}

/// The query at the end of a statement; nothing for statements without one, and for those whose clauses the crate
/// would take for a query's: changes, functions, pipes.
fn query_of(statement: &[Lexeme]) -> &[Lexeme] {
    let nothing = &statement[..0];
    let is_pipe = |pair: &[Lexeme]| {
        matches!(pair, [pipe, angle] if pipe.token == Token::Pipe
            && angle.token == Token::Gt
            && pipe.end == angle.start)
    };
    if statement.windows(2).any(is_pipe) {
        return nothing;
    }
    let mut depth = 0_usize;
    for (index, lexeme) in statement.iter().enumerate() {
        let next = |distance: usize| statement.get(index + distance);
        let next_word = |distance: usize| next(distance).and_then(word).unwrap_or_default();
        match &lexeme.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > 0 {
            continue;
        }
        let begins = match word(lexeme).as_deref() {
            Some("FUNCTION" | "APPLY") => return nothing,
            Some("AUTO") if next_word(1) == "CDC" => return nothing,
            Some("REPLACE") if matches!(next_word(1).as_str(), "WHERE" | "USING") => {
                return nothing;
            }
            Some("SELECT" | "VALUES" | "FROM") => true,
            // Not `WITH ROW FILTER` and not the options of a stream.
            Some("WITH") => {
                next_word(1) == "RECURSIVE"
                    || next_word(2) == "AS"
                    || next(2).is_some_and(|token| token.token == Token::LParen)
            }
            _ => false,
        };
        if begins {
            return statement.get(index..).unwrap_or(nothing);
        }
    }
    nothing
}

/// The layout of a query that another round would not change; `None` when there is none, or none that is safe.
fn settle(query: &str) -> Option<String> {
    let mut text = query.to_owned();
    for _ in 0..ROUNDS_MAX {
        let next = lay_out(&text)?;
        if next == text {
            return says_the_same(query, &text).then_some(text);
        }
        text = next;
    }
    None
}

/// One round of the crate.
fn lay_out(query: &str) -> Option<String> {
    let (lexemes, errors) = lex(query);
    if !errors.is_empty() {
        return None;
    }
    let pieces = pieces(query, &lexemes)?;
    let shown = show(query, &pieces)?;
    let options = sqlformat::FormatOptions {
        max_inline_block: LINE_COLUMNS,
        max_inline_arguments: Some(LINE_COLUMNS),
        max_inline_top_level: Some(LINE_COLUMNS),
        joins_as_top_level: true,
        ..sqlformat::FormatOptions::default()
    };
    let laid_out = sqlformat::format(&shown, &sqlformat::QueryParams::None, &options);
    let line_end = if query.contains("\r\n") { "\r\n" } else { "\n" };
    restore(query, &pieces, &laid_out, line_end)
}

/// The query as the crate is shown it.
fn show(query: &str, pieces: &[Piece]) -> Option<String> {
    let mut shown = String::with_capacity(query.len());
    let mut written = 0;
    for piece in pieces {
        push_gap(&mut shown, query.get(written..piece.start)?, "\n");
        match &piece.shown {
            Some(word) => shown.push_str(word),
            None => shown.push_str(query.get(piece.start..piece.end)?),
        }
        written = piece.end;
    }
    push_gap(&mut shown, query.get(written..)?, "\n");
    Some(shown)
}

/// The layout with the query's own pieces; `None` when it does not have as many.
fn restore(query: &str, pieces: &[Piece], laid_out: &str, line_end: &str) -> Option<String> {
    let (words, errors) = lex(laid_out);
    if !errors.is_empty() || words.len() != pieces.len() {
        return None;
    }
    let mut text = String::with_capacity(query.len());
    let mut written = 0;
    let mut is_behind_with = false;
    let mut end_before = None;
    for (piece, word) in pieces.iter().zip(&words) {
        let gap = laid_out.get(written..word.start)?;
        let own = query.get(piece.start..piece.end)?;
        let is_field = own.starts_with(['.', ':']) && end_before == Some(piece.start);
        if is_field && gap.trim().is_empty() {
            // `window(…).start`, `f(x)::INT`: the crate would put a space before the dot.
        } else if is_behind_with && gap.trim().is_empty() {
            // The crate gives the first name a line of its own.
            text.push(' ');
        } else {
            push_gap(&mut text, gap, line_end);
        }
        is_behind_with = laid_out
            .get(word.start..word.end)
            .is_some_and(|word| word.eq_ignore_ascii_case("WITH"));
        text.push_str(own);
        end_before = Some(piece.end);
        written = word.end;
    }
    push_gap(&mut text, laid_out.get(written..)?, line_end);
    text.truncate(text.trim_end().len());
    Some(text)
}

/// Adds what stands between two tokens: white space and comments.
fn push_gap(text: &mut String, gap: &str, line_end: &str) {
    for (number, line) in gap.split('\n').enumerate() {
        if number > 0 {
            text.truncate(text.trim_end_matches([' ', '\t']).len());
            text.push_str(line_end);
        }
        text.push_str(line.trim_end_matches('\r'));
    }
}

/// Whether two texts are the same tokens with the same comments between them.
fn says_the_same(before: &str, after: &str) -> bool {
    let ((old, old_errors), (new, new_errors)) = (lex(before), lex(after));
    old_errors.is_empty()
        && new_errors.is_empty()
        && old.len() == new.len()
        && old
            .iter()
            .zip(&new)
            .all(|(old, new)| before.get(old.start..old.end) == after.get(new.start..new.end))
        && comments(before, &old) == comments(after, &new)
}

/// The comments by the token before which they stand, white space aside.
fn comments(text: &str, lexemes: &[Lexeme]) -> Vec<String> {
    let starts = lexemes.iter().map(|lexeme| lexeme.start);
    let ends = lexemes.iter().map(|lexeme| lexeme.end);
    std::iter::once(0)
        .chain(ends)
        .zip(starts.chain(std::iter::once(text.len())))
        .map(|(from, to)| {
            let gap = text.get(from..to).unwrap_or_default();
            gap.split_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect()
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;

//! How deep a syntax tree will become, counted on its tokens before anything recursive sees them. Must not recurse.

use sluice_model::limits::{SQL_NESTING_MAX, SQL_TREE_DEPTH_MAX};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token};

use crate::lex::Lexeme;

/// One open bracket (or `CASE`), or the statement itself.
#[derive(Default)]
struct Level {
    /// Operators since the last comma or clause: the tree of a chain is as deep as it is long.
    chain: usize,
    /// Set operations: `a UNION b UNION c` nests to the left across clauses.
    sets: usize,
    /// The deepest of what stands inside.
    inside: usize,
    /// Whether it was opened by `CASE`.
    is_case: bool,
}

impl Level {
    fn depth(&self) -> usize {
        1 + self.chain + self.sets + self.inside
    }
}

/// Where a statement becomes too deep to be parsed, and what is too deep there.
pub(crate) fn too_deep(lexemes: &[Lexeme]) -> Option<(Span, &'static str)> {
    let mut levels = vec![Level::default()];
    let mut deepest_link = 0;
    for lexeme in lexemes {
        match step(&mut levels, &lexeme.token) {
            Step::Open if levels.len() > SQL_NESTING_MAX => {
                return Some((lexeme.span, "parentheses, subqueries or CASE"));
            }
            Step::Deeper(depth) => deepest_link = deepest_link.max(depth),
            Step::Open | Step::Flat => {}
        }
        if deepest_link > SQL_TREE_DEPTH_MAX {
            return Some((lexeme.span, "operators in one chain"));
        }
    }
    None
}

enum Step {
    Flat,
    Open,
    Deeper(usize),
}

fn step(levels: &mut Vec<Level>, token: &Token) -> Step {
    let word = match token {
        Token::Word(word) if word.quote_style.is_none() => word.keyword,
        _ => Keyword::NoKeyword,
    };
    let opens_case = word == Keyword::CASE;
    if opens_case || matches!(token, Token::LParen | Token::LBracket | Token::LBrace) {
        levels.push(Level {
            is_case: opens_case,
            ..Level::default()
        });
        return Step::Open;
    }
    let closes_case = word == Keyword::END && levels.last().is_some_and(|level| level.is_case);
    if closes_case || matches!(token, Token::RParen | Token::RBracket | Token::RBrace) {
        return close(levels);
    }
    let Some(level) = levels.last_mut() else {
        return Step::Flat;
    };
    if is_set_operation(word) {
        level.inside = level.inside.max(level.chain);
        level.chain = 0;
        level.sets += 1;
    } else if matches!(token, Token::Comma) || begins_clause(word) {
        level.inside = level.inside.max(level.chain);
        level.chain = 0;
        return Step::Flat;
    } else if is_operator(token, word) {
        level.chain += 1;
    } else {
        return Step::Flat;
    }
    Step::Deeper(level.depth())
}

fn close(levels: &mut Vec<Level>) -> Step {
    if levels.len() < 2 {
        return Step::Flat;
    }
    let depth = levels.pop().map_or(0, |level| level.depth());
    let Some(outer) = levels.last_mut() else {
        return Step::Flat;
    };
    outer.inside = outer.inside.max(depth);
    Step::Deeper(outer.depth())
}

fn is_set_operation(word: Keyword) -> bool {
    matches!(
        word,
        Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT | Keyword::MINUS
    )
}

fn begins_clause(word: Keyword) -> bool {
    matches!(
        word,
        Keyword::SELECT
            | Keyword::FROM
            | Keyword::WHERE
            | Keyword::ON
            | Keyword::BY
            | Keyword::HAVING
            | Keyword::QUALIFY
            | Keyword::WHEN
            | Keyword::THEN
            | Keyword::ELSE
    )
}

fn is_operator(token: &Token, word: Keyword) -> bool {
    let is_word = matches!(
        word,
        Keyword::AND
            | Keyword::OR
            | Keyword::NOT
            | Keyword::IS
            | Keyword::IN
            | Keyword::LIKE
            | Keyword::ILIKE
            | Keyword::RLIKE
            | Keyword::REGEXP
            | Keyword::BETWEEN
            | Keyword::DIV
            | Keyword::AT
            | Keyword::COLLATE
            | Keyword::INTERVAL
            | Keyword::PRIOR
            | Keyword::LAMBDA
            | Keyword::JOIN
            | Keyword::XOR
            | Keyword::PIVOT
            | Keyword::UNPIVOT
            | Keyword::EXPLAIN
    );
    let is_plain = matches!(
        token,
        Token::Word(_)
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::HexStringLiteral(_)
            | Token::Period
            | Token::SemiColon
    );
    is_word || !is_plain
}

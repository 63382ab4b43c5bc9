//! From the tokens of a query to tokens that sqlparser takes: each relation becomes a placeholder with an alias, and
//! what its grammar lacks (`STREAM`, `WATERMARK`, options, time travel, intervals, literal suffixes) is cut out and
//! kept. Finds relations by where a table may stand, not by words alone, so that `stream` stays usable as a name.
//! Must not tell CTEs from tables: `resolve` does, on the tree.

mod argument;
pub(crate) mod depth;
mod identifier;
pub(crate) mod interval;
pub(crate) mod literal;
mod pipe;
mod relation;
pub(crate) mod suffix;
pub(crate) mod time_travel;

use sluice_model::condition::sql::FAILED_TO_PARSE_TOO_COMPLEX;
use sluice_model::limits::SQL_JOIN_PARENTHESES_MAX;
use sqlparser::ast::Ident;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token, TokenWithSpan, Word};

use crate::cursor::{Cursor, Parsed};
use crate::lex::Lexeme;
use crate::query::Relation;
use crate::statement::{Located, RefusedClause};

/// Tokens for sqlparser, and what was taken out of them.
#[derive(Debug)]
pub(crate) struct Rewritten {
    /// The tokens, each with the place it came from.
    pub(crate) tokens: Vec<TokenWithSpan>,
    /// What the placeholders stand for, in order of appearance.
    pub(crate) drafts: Vec<Draft>,
    /// Clauses that were cut out because nothing executes them.
    pub(crate) refused: Vec<Located<RefusedClause>>,
    /// The first `PIVOT`, if there is one.
    pub(crate) pivot: Option<Span>,
}

/// A relation as found in the text; it may still turn out to be a CTE.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The relation.
    pub(crate) relation: Relation,
    /// Its alias as it stands in the tokens.
    pub(crate) alias: Ident,
    /// How the last part of the name was quoted.
    pub(crate) quote_style: Option<char>,
    /// Whether the user wrote the alias.
    pub(crate) has_written_alias: bool,
    /// The word `STREAM` in front of it.
    pub(crate) stream: Option<Span>,
}

/// What a pair of parentheses holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A query.
    Query,
    /// Relations: `FROM (a JOIN b)`.
    Join,
    /// An expression, or anything else.
    Other,
}

/// Stands for the names that the columns of a LATERAL VIEW have by themselves.
const OWN_NAMES: &str = "__lateral_columns";

/// What the parentheses belong to, where it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// `CAST(`.
    Cast,
    /// `LATERAL VIEW generator(`.
    LateralView,
    /// Anything else.
    Plain,
}

#[derive(Debug)]
struct Level {
    kind: Kind,
    /// Inside a FROM clause.
    from: bool,
    /// A relation may come next.
    expecting: bool,
    /// Inside `FROM VALUES (…), (…)`.
    in_values: bool,
    opened_by: Opening,
    /// Where its tokens begin in the output.
    start: usize,
}

impl Level {
    fn new(kind: Kind) -> Self {
        let is_join = kind == Kind::Join;
        Self {
            kind,
            from: is_join,
            expecting: is_join,
            in_values: false,
            opened_by: Opening::Plain,
            start: 0,
        }
    }
}

struct Rewriter<'a> {
    cursor: Cursor<'a>,
    out: Vec<TokenWithSpan>,
    levels: Vec<Level>,
    drafts: Vec<Draft>,
    refused: Vec<Located<RefusedClause>>,
    pivot: Option<Span>,
    lateral_views: usize,
}

/// Rewrites the tokens of a query.
pub(crate) fn query(cursor: Cursor<'_>) -> Parsed<Rewritten> {
    rewrite(cursor, Kind::Query)
}

/// Rewrites the tokens of an expression.
pub(crate) fn expression(cursor: Cursor<'_>) -> Parsed<Rewritten> {
    rewrite(cursor, Kind::Other)
}

fn rewrite(cursor: Cursor<'_>, kind: Kind) -> Parsed<Rewritten> {
    let mut rewriter = Rewriter {
        cursor,
        out: vec![],
        levels: vec![Level::new(kind)],
        drafts: vec![],
        refused: vec![],
        pivot: None,
        lateral_views: 0,
    };
    while let Some(lexeme) = rewriter.cursor.peek() {
        if rewriter.level().expecting && rewriter.relation()? {
            continue;
        }
        rewriter.token(lexeme)?;
    }
    rewriter.unfold(0)?;
    let Rewriter {
        out: tokens,
        drafts,
        refused,
        pivot,
        ..
    } = rewriter;
    Ok(Rewritten {
        tokens,
        drafts,
        refused,
        pivot,
    })
}

impl<'a> Rewriter<'a> {
    /// The innermost level; there is always one.
    fn level(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            self.levels.push(Level::new(Kind::Other));
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    fn emit(&mut self, token: Token, span: Span) {
        self.out.push(TokenWithSpan::new(token, span));
    }

    /// Takes the next token over as it is.
    fn copy(&mut self) {
        if let Some(lexeme) = self.cursor.next() {
            self.emit(lexeme.token.clone(), lexeme.span);
        }
    }

    /// Takes over a token that is no relation.
    fn token(&mut self, lexeme: &'a Lexeme) -> Parsed<()> {
        match &lexeme.token {
            Token::LParen => self.open()?,
            Token::RParen if self.levels.len() > 1 => {
                let closed = self.levels.pop();
                self.unfold(closed.as_ref().map_or(0, |level| level.start))?;
                self.copy();
                if closed.is_some_and(|level| level.opened_by == Opening::LateralView) {
                    self.name_lateral_view(lexeme.span);
                }
                return Ok(());
            }
            Token::Comma => self.comma(),
            Token::Pipe if self.sees_pipe(lexeme) => {
                self.end_from();
                self.cursor.next();
                self.cursor.next();
                self.emit(Token::VerticalBarRightAngleBracket, lexeme.span);
                return Ok(());
            }
            Token::Number(number, _) => {
                self.number(number, lexeme.span);
                return Ok(());
            }
            Token::Word(word) if word.quote_style.is_none() => {
                let taken = self.word(&word.value)?;
                if taken {
                    return Ok(());
                }
            }
            _ => {}
        }
        self.copy();
        Ok(())
    }

    /// Enters parentheses and finds out what they hold.
    fn open(&mut self) -> Parsed<()> {
        let begins_query = ["SELECT", "WITH", "FROM", "VALUES"];
        let inner = self.cursor.word_nth(1);
        let holds_query = inner.is_some_and(|word| {
            begins_query
                .iter()
                .any(|begin| word.eq_ignore_ascii_case(begin))
        });
        let is_cast = matches!(
            self.out.last(),
            Some(TokenWithSpan { token: Token::Word(word), .. })
                if word.value.eq_ignore_ascii_case("CAST") || word.value.eq_ignore_ascii_case("TRY_CAST")
        );
        let opened_by = if is_cast {
            Opening::Cast
        } else if self.opens_lateral_view() {
            Opening::LateralView
        } else {
            Opening::Plain
        };
        let level = self.level();
        let kind = match (holds_query, level.expecting) {
            (true, _) => Kind::Query,
            (false, true) => Kind::Join,
            (false, false) => Kind::Other,
        };
        level.expecting = false;
        // The parenthesis itself comes out after this.
        let start = self.out.len() + 1;
        self.levels.push(Level {
            opened_by,
            start,
            ..Level::new(kind)
        });
        let joins = self
            .levels
            .iter()
            .filter(|level| level.kind == Kind::Join)
            .count();
        if joins > SQL_JOIN_PARENTHESES_MAX {
            let origin = self.cursor.origin(self.cursor.here());
            let message = format!(
                "more than {SQL_JOIN_PARENTHESES_MAX} parentheses around relations, one in another"
            );
            let error = self
                .cursor
                .fail_with(&FAILED_TO_PARSE_TOO_COMPLEX, &origin, message);
            return Err(error
                .help("remove parentheses, or name parts of the query with WITH")
                .into());
        }
        Ok(())
    }

    /// Whether the query of this level is `VALUES` with rows that have no parentheses.
    fn begins_bare_values(&mut self) -> bool {
        let (start, out) = (self.level().start, self.out.len());
        let is_value = match self.cursor.peek_nth(1).map(|next| &next.token) {
            Some(Token::Number(..) | Token::SingleQuotedString(_)) => true,
            Some(Token::Word(word)) => word.value.eq_ignore_ascii_case("NULL"),
            _ => false,
        };
        self.level().kind == Kind::Query && start == out && is_value
    }

    /// Whether `|>` comes next.
    fn sees_pipe(&self, pipe: &Lexeme) -> bool {
        self.cursor
            .peek_nth(1)
            .is_some_and(|next| next.token == Token::Gt && next.start == pipe.end)
    }

    /// Makes queries of the pipes of the innermost level, whose tokens begin at `start`.
    fn unfold(&mut self, start: usize) -> Parsed<()> {
        let is_pipe = |token: &TokenWithSpan| token.token == Token::VerticalBarRightAngleBracket;
        if !self
            .out
            .get(start..)
            .is_some_and(|level| level.iter().any(is_pipe))
        {
            return Ok(());
        }
        let level = self.out.split_off(start);
        let unfolded = pipe::unfolded(level).map_err(|misplaced| {
            let error = self.cursor.fail(misplaced.span, misplaced.message);
            match misplaced.help {
                Some(help) => error.help(help),
                None => error,
            }
        })?;
        self.out.extend(unfolded);
        Ok(())
    }

    /// Whether the parentheses that open now are those of `LATERAL VIEW [OUTER] generator(`.
    fn opens_lateral_view(&self) -> bool {
        let word = |back: usize| match &self.out.iter().rev().nth(back)?.token {
            Token::Word(word) => Some(word.value.to_ascii_uppercase()),
            _ => None,
        };
        let at = if word(1).as_deref() == Some("OUTER") {
            2
        } else {
            1
        };
        word(0).is_some()
            && word(at).as_deref() == Some("VIEW")
            && word(at + 1).as_deref() == Some("LATERAL")
    }

    /// Gives a LATERAL VIEW without a name one, which sqlparser wants.
    fn name_lateral_view(&mut self, span: Span) {
        let is_named = match self.cursor.peek().map(|lexeme| &lexeme.token) {
            Some(Token::Word(word)) => {
                word.quote_style.is_some() || !relation::is_reserved(&word.value)
            }
            _ => false,
        };
        if is_named {
            self.copy();
            // sqlparser would take ORDER or LIMIT for the name of a column.
            let is_named = match self.cursor.peek().map(|lexeme| &lexeme.token) {
                Some(Token::Word(word)) => {
                    word.quote_style.is_some()
                        || !relation::is_reserved(&word.value)
                        || word.value.eq_ignore_ascii_case("AS")
                }
                _ => false,
            };
            if !is_named {
                self.emit(Token::make_keyword("AS"), span);
                self.emit(Token::make_word(OWN_NAMES, None), span);
            }
        } else {
            let name = format!("__lateral_{}", self.lateral_views);
            self.emit(Token::make_word(&name, None), span);
        }
        self.lateral_views += 1;
    }

    fn comma(&mut self) {
        let next_opens = self
            .cursor
            .peek_nth(1)
            .is_some_and(|next| next.token == Token::LParen);
        let level = self.level();
        if level.from {
            level.in_values = level.in_values && next_opens;
            level.expecting = !level.in_values;
        }
    }

    /// Follows the clauses of a query. Returns whether it has taken tokens itself.
    fn word(&mut self, word: &str) -> Parsed<bool> {
        let upper = word.to_ascii_uppercase();
        match upper.as_str() {
            "FROM" if self.level().kind == Kind::Query && !self.follows_distinct() => {
                let level = self.level();
                (level.from, level.expecting) = (true, true);
            }
            "JOIN" if self.level().kind != Kind::Other => {
                let level = self.level();
                (level.from, level.expecting) = (true, true);
            }
            "LATERAL" if self.cursor.sees(&["LATERAL", "VIEW"]) => self.end_from(),
            "DISTINCT" if self.sees_star_in_parentheses() => {
                self.copy();
                self.cursor.next();
                self.copy();
                self.cursor.next();
                return Ok(true);
            }
            "EXCEPT" if self.follows_star() && self.names_qualified() => {
                let span = self.cursor.here();
                self.cursor.next();
                self.emit(Token::make_keyword("EXCLUDE"), span);
                return Ok(true);
            }
            "EXCLUDE" | "REPLACE" if self.follows_star() => {
                let message = format!("{upper} cannot stand here");
                let error = self.cursor.fail(self.cursor.here(), message);
                return Err(error.help("write `* EXCEPT (a, b)`").into());
            }
            "INTERVAL" => return self.interval(),
            "WATERMARK" if self.level().from && suffix::sees_watermark(&self.cursor) => {
                self.refuse_watermark()?;
                return Ok(true);
            }
            "TABLESAMPLE" if self.level().from => {
                self.sample()?;
                return Ok(true);
            }
            "PIVOT" if self.level().from => self.pivot = self.pivot.or(Some(self.cursor.here())),
            "TOP" if self.follows_select() => {
                let word = Word {
                    value: word.to_string(),
                    quote_style: None,
                    keyword: Keyword::NoKeyword,
                };
                self.emit(Token::Word(word), self.cursor.here());
                self.cursor.next();
                return Ok(true);
            }
            "VALUES" if self.begins_bare_values() => {
                self.bare_values()?;
                return Ok(true);
            }
            "IDENTIFIER" => return self.identifier(),
            "BYTE" | "SHORT" => return Ok(self.type_name(&upper)),
            // A call such as `window(…)` in a join condition ends nothing.
            _ if relation::ENDS_FROM.contains(&upper.as_str()) && !self.is_called() => {
                self.end_from();
            }
            _ => {}
        }
        Ok(false)
    }

    fn end_from(&mut self) {
        let level = self.level();
        (level.from, level.expecting, level.in_values) = (false, false, false);
    }

    fn is_called(&self) -> bool {
        self.cursor
            .word_nth(0)
            .is_some_and(|word| word.eq_ignore_ascii_case("WINDOW"))
            && self
                .cursor
                .peek_nth(1)
                .is_some_and(|next| next.token == Token::LParen)
    }

    /// Whether `DISTINCT (*)` comes next, which Spark reads as `DISTINCT *`.
    fn sees_star_in_parentheses(&self) -> bool {
        let token = |ahead: usize| self.cursor.peek_nth(ahead).map(|lexeme| &lexeme.token);
        let after_select = matches!(
            self.out.last(),
            Some(TokenWithSpan { token: Token::Word(word), .. }) if word.value.eq_ignore_ascii_case("SELECT")
        );
        after_select
            && (token(1), token(2), token(3))
                == (
                    Some(&Token::LParen),
                    Some(&Token::Mul),
                    Some(&Token::RParen),
                )
    }

    fn follows_star(&self) -> bool {
        matches!(self.out.last(), Some(last) if last.token == Token::Mul)
    }

    /// Whether the list behind EXCEPT has a name of several parts, which sqlparser takes only behind EXCLUDE.
    fn names_qualified(&self) -> bool {
        let tokens = (1..).map_while(|ahead| Some(&self.cursor.peek_nth(ahead)?.token));
        let mut list = tokens.take_while(|token| **token != Token::RParen);
        list.next() == Some(&Token::LParen) && list.any(|token| *token == Token::Period)
    }

    /// Whether a select list begins here, where sqlparser would read `TOP n`.
    fn follows_select(&self) -> bool {
        let words = ["SELECT", "DISTINCT", "ALL"];
        matches!(
            self.out.last(),
            Some(TokenWithSpan { token: Token::Word(word), .. })
                if words.iter().any(|before| word.value.eq_ignore_ascii_case(before))
        )
    }

    /// Whether this FROM belongs to `IS [NOT] DISTINCT FROM`.
    fn follows_distinct(&self) -> bool {
        let word = |back: usize| match &self.out.iter().rev().nth(back)?.token {
            Token::Word(word) => Some(word.value.to_ascii_uppercase()),
            _ => None,
        };
        word(0).as_deref() == Some("DISTINCT") && matches!(word(1).as_deref(), Some("IS" | "NOT"))
    }
}

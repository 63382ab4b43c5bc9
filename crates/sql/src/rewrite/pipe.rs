//! The pipe operator `|>`: each step of it becomes a query around those before. A table that was read under one name
//! keeps that name through all steps. Must not find relations: `rewrite` has done that when this runs.

use sqlparser::tokenizer::{Span, Token, TokenWithSpan};

/// What is wrong with a pipe, and where.
pub(super) struct Misplaced {
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) help: Option<&'static str>,
}

type Tokens = Vec<TokenWithSpan>;
type Step<T> = Result<T, Misplaced>;

/// Words that begin what stands behind a select list.
const BEHIND_LIST: &[&str] = &["GROUP", "HAVING", "QUALIFY", "WINDOW"];

/// Words that begin a join.
const JOINS: &[&str] = &[
    "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL", "SEMI", "ANTI", "OUTER",
];

/// The tokens of one query without pipes.
pub(super) fn unfolded(tokens: Tokens) -> Step<Tokens> {
    let is_pipe = |token: &TokenWithSpan| token.token == Token::VerticalBarRightAngleBracket;
    if !tokens.iter().any(is_pipe) {
        return Ok(tokens);
    }
    let mut segments = split(&tokens, &Token::VerticalBarRightAngleBracket).into_iter();
    let first = segments.next().unwrap_or_default();
    let (with, body) = first.split_at(end_of_with(first));
    let mut pipe = Pipe::new(body);
    for segment in segments {
        pipe.step(segment)?;
    }
    let mut out = with.to_vec();
    out.extend(pipe.query());
    Ok(out)
}

/// A query on the way: a FROM clause, and what is done with its rows.
struct Pipe {
    from: Tokens,
    /// The one name under which the rows were read.
    alias: Option<TokenWithSpan>,
    filters: Vec<Tokens>,
    order: Tokens,
    limit: Tokens,
    span: Span,
}

impl Pipe {
    fn new(body: &[TokenWithSpan]) -> Self {
        let mut pipe = Self {
            from: vec![],
            alias: None,
            filters: vec![],
            order: vec![],
            limit: vec![],
            span: body.first().map_or(Span::empty(), |first| first.span),
        };
        let has_select = find(body, &["SELECT"]).is_some();
        if word(body.first()).as_deref() == Some("FROM") && !has_select {
            pipe.from = body[1..].to_vec();
            if let [_, named, alias] = &body[1..]
                && word(Some(named)).as_deref() == Some("AS")
            {
                pipe.alias = Some(alias.clone());
            }
        } else {
            pipe.wrap(body.to_vec());
        }
        pipe
    }

    fn token(&self, token: Token) -> TokenWithSpan {
        TokenWithSpan::new(token, self.span)
    }

    fn word(&self, word: &str) -> TokenWithSpan {
        self.token(Token::make_keyword(word))
    }

    /// Goes on with the rows of a query.
    fn wrap(&mut self, query: Tokens) {
        self.from = vec![self.token(Token::LParen)];
        self.from.extend(query);
        self.from.push(self.token(Token::RParen));
        if let Some(alias) = self.alias.clone() {
            self.from.extend([self.word("AS"), alias]);
        }
        self.filters.clear();
        self.order.clear();
        self.limit.clear();
    }

    /// `SELECT items FROM … WHERE … behind ORDER BY … LIMIT …`.
    fn select(&self, items: Tokens, behind: &[TokenWithSpan]) -> Tokens {
        let mut out = vec![self.word("SELECT")];
        out.extend(items);
        out.push(self.word("FROM"));
        out.extend(self.from.iter().cloned());
        for (index, filter) in self.filters.iter().enumerate() {
            out.push(self.word(if index == 0 { "WHERE" } else { "AND" }));
            out.push(self.token(Token::LParen));
            out.extend(filter.iter().cloned());
            out.push(self.token(Token::RParen));
        }
        out.extend_from_slice(behind);
        out.extend(self.order.iter().cloned());
        out.extend(self.limit.iter().cloned());
        out
    }

    fn query(&self) -> Tokens {
        self.select(vec![self.token(Token::Mul)], &[])
    }

    /// Makes a relation of what was said so far.
    fn settle(&mut self) {
        if !self.filters.is_empty() || !self.order.is_empty() || !self.limit.is_empty() {
            self.wrap(self.query());
        }
    }

    /// Makes a relation of what must come before another condition.
    fn settle_order(&mut self) {
        if !self.order.is_empty() || !self.limit.is_empty() {
            self.wrap(self.query());
        }
    }

    fn step(&mut self, segment: &[TokenWithSpan]) -> Step<()> {
        self.span = segment.first().map_or(self.span, |first| first.span);
        let rest = segment.get(1..).unwrap_or_default();
        match word(segment.first()).as_deref() {
            Some("WHERE") => {
                self.settle_order();
                self.filters.push(rest.to_vec());
            }
            Some("SELECT") => {
                self.settle_order();
                let (items, behind) = rest.split_at(find(rest, BEHIND_LIST).unwrap_or(rest.len()));
                self.wrap(self.select(items.to_vec(), behind));
            }
            Some("EXTEND") => {
                self.settle_order();
                let mut items = vec![self.token(Token::Mul), self.token(Token::Comma)];
                items.extend_from_slice(rest);
                self.wrap(self.select(items, &[]));
            }
            Some("SET") => self.set(rest)?,
            Some("DROP") => {
                self.settle_order();
                let mut items = vec![self.token(Token::Mul), self.word("EXCEPT")];
                items.push(self.token(Token::LParen));
                items.extend_from_slice(rest);
                items.push(self.token(Token::RParen));
                self.wrap(self.select(items, &[]));
            }
            Some("AS") => {
                let [alias] = rest else {
                    return self.misplaced("AS takes one name", None);
                };
                self.alias = Some(alias.clone());
                self.wrap(self.query());
            }
            Some("AGGREGATE") => self.aggregate(rest)?,
            Some("ORDER") => {
                self.settle_order();
                self.order = segment.to_vec();
            }
            Some("LIMIT" | "OFFSET") => {
                if !self.limit.is_empty() {
                    self.wrap(self.query());
                }
                self.limit = segment.to_vec();
            }
            Some("UNION" | "EXCEPT" | "MINUS" | "INTERSECT") => {
                let mut query = vec![self.token(Token::LParen)];
                query.extend(self.query());
                query.push(self.token(Token::RParen));
                query.extend_from_slice(segment);
                self.alias = None;
                self.wrap(query);
            }
            Some("PIVOT" | "UNPIVOT") => {
                self.settle();
                self.from.extend_from_slice(segment);
                self.wrap(self.query());
            }
            Some(join) if JOINS.contains(&join) => {
                self.settle();
                self.from.extend_from_slice(segment);
                self.alias = None;
            }
            _ => {
                let help = "one of SELECT, EXTEND, SET, DROP, AS, WHERE, AGGREGATE, ORDER BY, LIMIT, OFFSET, JOIN, UNION, EXCEPT, INTERSECT, PIVOT, UNPIVOT stands behind `|>`";
                return self.misplaced("this cannot stand behind `|>`", Some(help));
            }
        }
        Ok(())
    }

    fn misplaced<T>(&self, message: &str, help: Option<&'static str>) -> Step<T> {
        Err(Misplaced {
            span: self.span,
            message: message.into(),
            help,
        })
    }

    /// `SET a = x, b = y`: each sees what the one before has set.
    fn set(&mut self, assignments: &[TokenWithSpan]) -> Step<()> {
        self.settle_order();
        for assignment in split(assignments, &Token::Comma) {
            let [name, equal, value @ ..] = assignment else {
                return self.misplaced("SET takes `column = value`", None);
            };
            if equal.token != Token::Eq || value.is_empty() {
                return self.misplaced("SET takes `column = value`", None);
            }
            let mut items = vec![self.token(Token::Mul), self.word("REPLACE")];
            items.push(self.token(Token::LParen));
            items.extend_from_slice(value);
            items.extend([self.word("AS"), name.clone(), self.token(Token::RParen)]);
            self.wrap(self.select(items, &[]));
        }
        Ok(())
    }

    /// `AGGREGATE aggregates [GROUP BY keys]`: the keys come first in the result.
    fn aggregate(&mut self, rest: &[TokenWithSpan]) -> Step<()> {
        self.settle_order();
        let at = find(rest, &["GROUP"]);
        let (aggregates, keys) = rest.split_at(at.unwrap_or(rest.len()));
        let mut items: Tokens = vec![];
        let mut groups: Tokens = vec![];
        for key in split(keys.get(2..).unwrap_or_default(), &Token::Comma) {
            if key.is_empty() {
                continue;
            }
            let is_set = find(key, &["ROLLUP", "CUBE", "GROUPING"]) == Some(0);
            if is_set || matches!(key, [only] if matches!(only.token, Token::Number(..))) {
                let help = "write the expressions to group by";
                return self.misplaced("AGGREGATE groups by expressions here", Some(help));
            }
            if !groups.is_empty() {
                groups.push(self.token(Token::Comma));
            }
            groups.extend_from_slice(&key[..find(key, &["AS"]).unwrap_or(key.len())]);
            items.extend_from_slice(key);
            items.push(self.token(Token::Comma));
        }
        items.extend_from_slice(aggregates);
        if aggregates.is_empty() {
            items.pop();
        }
        let mut behind: Tokens = vec![];
        if groups.is_empty() {
            // One row, also of an expression without an aggregate, which is refused for that.
            behind.extend([self.word("HAVING"), self.word("TRUE")]);
        } else {
            behind.extend([self.word("GROUP"), self.word("BY")]);
            behind.extend(groups);
        }
        self.wrap(self.select(items, &behind));
        Ok(())
    }
}

/// The bare word that a token is, upper case.
fn word(token: Option<&TokenWithSpan>) -> Option<String> {
    match &token?.token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_ascii_uppercase()),
        _ => None,
    }
}

/// The tokens outside of parentheses, with their places.
fn outside(tokens: &[TokenWithSpan]) -> impl Iterator<Item = (usize, &TokenWithSpan)> {
    let mut depth = 0_usize;
    tokens.iter().enumerate().filter(move |(_, token)| {
        match token.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => {
                depth = depth.saturating_sub(1);
                return false;
            }
            _ => {}
        }
        depth == 0
    })
}

/// Where the first of some words stands outside of parentheses.
fn find(tokens: &[TokenWithSpan], words: &[&str]) -> Option<usize> {
    let found = outside(tokens)
        .find(|(_, token)| word(Some(token)).is_some_and(|word| words.contains(&word.as_str())));
    found.map(|(at, _)| at)
}

/// Where the query behind WITH begins.
fn end_of_with(tokens: &[TokenWithSpan]) -> usize {
    if word(tokens.first()).as_deref() == Some("WITH") {
        find(tokens, &["SELECT", "FROM", "VALUES"]).unwrap_or(0)
    } else {
        0
    }
}

/// The parts between a token that stands outside of parentheses.
fn split<'t>(tokens: &'t [TokenWithSpan], at: &Token) -> Vec<&'t [TokenWithSpan]> {
    let mut parts = vec![];
    let mut from = 0;
    for (index, token) in outside(tokens) {
        if token.token == *at {
            parts.push(&tokens[from..index]);
            from = index + 1;
        }
    }
    parts.push(&tokens[from..]);
    parts
}

//! One relation of a FROM clause: a name, a path, a table function, in any STREAM form, with all that may stand
//! behind it. Must not look names up.

use sluice_model::suggest::did_you_mean;
use std::collections::BTreeMap;

use sqlparser::ast::Ident;
use sqlparser::tokenizer::{Span, Token};

use super::suffix::sees_watermark;
use super::{Draft, Rewriter};
use crate::cursor::Parsed;
use crate::lex::Lexeme;
use crate::query::{ReadMode, Relation, RelationSource};
use crate::slip;
use crate::statement::WrittenName;

/// Words that end a FROM clause.
pub(super) const ENDS_FROM: &[&str] = &[
    "SELECT",
    "WHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "SORT",
    "CLUSTER",
    "DISTRIBUTE",
    "LIMIT",
    "OFFSET",
    "QUALIFY",
    "WINDOW",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "MINUS",
    "FETCH",
];

/// Further words that are no alias of a relation.
const NO_ALIAS: &[&str] = &[
    "ON",
    "USING",
    "JOIN",
    "INNER",
    "LEFT",
    "RIGHT",
    "FULL",
    "CROSS",
    "NATURAL",
    "SEMI",
    "ANTI",
    "LATERAL",
    "PIVOT",
    "UNPIVOT",
    "TABLESAMPLE",
    "WATERMARK",
    "WITH",
    "FROM",
    "AS",
    "FOR",
    "CREATE",
    "APPLY",
    "SET",
    "VERSION",
    "TIMESTAMP",
    "AND",
    "OR",
    "OUTER",
];

/// Words that begin something other than a named relation.
const NO_RELATION: &[&str] = &["VALUES", "UNNEST", "TABLE", "SELECT", "WITH", "FROM"];

/// Table functions that read something from outside the query, and so are relations; every other one (`explode`,
/// `inline`, …) stays in the tree.
const READERS: &[&str] = &[
    "read_files",
    "read_kinesis",
    "read_kafka",
    "read_pubsub",
    "read_pulsar",
    "read_statestore",
    "cloud_files",
    "cloud_files_state",
    "event_log",
    "table_changes",
];

/// Formats whose name before a quoted path reads that path.
const PATH_FORMATS: &[&str] = &[
    "delta",
    "json",
    "csv",
    "parquet",
    "avro",
    "orc",
    "text",
    "binaryfile",
    "xml",
];

impl Rewriter<'_> {
    /// Takes the relation that may come next; `false` if something else comes, which is then taken over as it is.
    pub(super) fn relation(&mut self) -> Parsed<bool> {
        let Some(Lexeme {
            token: Token::Word(word),
            ..
        }) = self.cursor.peek()
        else {
            self.refuse_text()?;
            if !self.cursor.sees_symbol(&Token::LParen) {
                self.level().expecting = false;
            }
            return Ok(false);
        };
        if word.quote_style.is_none() {
            if word.value.eq_ignore_ascii_case("LATERAL") {
                return Ok(false);
            }
            let upper = word.value.to_ascii_uppercase();
            let opens = self
                .cursor
                .peek_nth(1)
                .is_some_and(|next| next.token == Token::LParen);
            let is_values = upper == "VALUES" && opens;
            if upper == "VALUES" && !opens {
                self.level().expecting = false;
                self.bare_values()?;
                return Ok(true);
            }
            if NO_RELATION.contains(&upper.as_str()) || ENDS_FROM.contains(&upper.as_str()) {
                let level = self.level();
                (level.expecting, level.in_values) = (false, is_values);
                return Ok(false);
            }
        }
        self.level().expecting = false;
        let stream = self.take_stream();
        let in_parentheses = stream.is_some() && self.cursor.take_symbol(&Token::LParen);
        let from = self.cursor.at;
        let Some((source, mut name)) = self.source(stream.is_some())? else {
            return Ok(false);
        };
        let place = self.cursor.span_of(from, self.cursor.at);
        name.span = place;
        let mode = self.mode(stream, &source, from);
        let mut relation = Relation {
            index: self.drafts.len(),
            source,
            mode,
            options: BTreeMap::new(),
            watermark: None,
            time_travel: None,
            alias: String::new(),
            origin: self.cursor.origin(place),
        };
        self.suffixes(&mut relation)?;
        if in_parentheses {
            self.cursor.need_symbol(&Token::RParen)?;
            self.suffixes(&mut relation)?;
        }
        let written = self.alias()?;
        self.finish(relation, place, stream, (written, name));
        self.watermark_behind_alias()?;
        Ok(true)
    }

    /// Refuses a string where a relation is wanted.
    fn refuse_text(&self) -> Parsed<()> {
        let Some(Lexeme {
            token: Token::SingleQuotedString(text),
            span,
            ..
        }) = self.cursor.peek()
        else {
            return Ok(());
        };
        let message = format!("a string cannot name a table: `'{text}'`");
        let error = self.cursor.fail(*span, message);
        Err(error
            .help(format!("quote the name with back-ticks: `{text}`"))
            .into())
    }

    /// `VALUES 1, 2`: rows of one value each, which sqlparser wants in parentheses.
    pub(super) fn bare_values(&mut self) -> Parsed<()> {
        self.copy();
        loop {
            let span = self.cursor.here();
            self.emit(Token::LParen, span);
            let (first, depth) = (self.cursor.at, self.levels.len());
            while let Some(lexeme) = self.cursor.peek() {
                let is_end = match &lexeme.token {
                    Token::Comma | Token::RParen | Token::SemiColon => true,
                    Token::Word(word) => self.cursor.at > first && self.ends_value(&word.value),
                    _ => false,
                };
                if is_end && self.levels.len() == depth {
                    break;
                }
                self.token(lexeme)?;
            }
            self.emit(Token::RParen, span);
            if !self.cursor.sees_symbol(&Token::Comma) {
                return Ok(());
            }
            self.copy();
        }
    }

    /// Whether a word behind a value begins something else: an alias, or the next clause.
    fn ends_value(&self, word: &str) -> bool {
        let after_value = matches!(
            self.out.last().map(|last| &last.token),
            Some(Token::Number(..) | Token::SingleQuotedString(_) | Token::RParen | Token::Word(_))
        );
        let joins_values = ["AND", "OR", "IS", "NOT", "LIKE", "BETWEEN", "IN", "DIV"];
        after_value
            && !joins_values
                .iter()
                .any(|operator| word.eq_ignore_ascii_case(operator))
    }

    /// Takes the names of columns behind the alias, and a watermark behind those: some write it there.
    fn watermark_behind_alias(&mut self) -> Parsed<()> {
        let mut ahead = self.cursor;
        if ahead.sees_symbol(&Token::LParen) {
            ahead.skip_group()?;
        }
        if !sees_watermark(&ahead) {
            return Ok(());
        }
        while self.cursor.at < ahead.at {
            self.copy();
        }
        let here = self.cursor.here();
        let watermark = self.watermark()?;
        match self.drafts.last_mut() {
            Some(draft) if draft.relation.watermark.is_none() => {
                draft.relation.watermark = Some(watermark);
            }
            _ => return Err(self.cursor.fail(here, "WATERMARK is given twice").into()),
        }
        Ok(())
    }

    /// `cloud_files` always streams; everything else streams behind `STREAM`.
    fn mode(&self, stream: Option<Span>, source: &RelationSource, from: usize) -> ReadMode {
        let is_legacy = matches!(source, RelationSource::Function(_))
            && self
                .cursor
                .text(from, from + 1)
                .eq_ignore_ascii_case("cloud_files");
        if stream.is_some() || is_legacy {
            ReadMode::Stream
        } else {
            ReadMode::Batch
        }
    }

    /// Takes the word `STREAM` unless it is a table's name here.
    fn take_stream(&mut self) -> Option<Span> {
        let span = self.cursor.here();
        let is_stream = self.cursor.sees(&["STREAM"])
            && match self.cursor.peek_nth(1).map(|next| &next.token) {
                Some(Token::LParen) => true,
                Some(Token::Word(word)) => word.quote_style.is_some() || !is_reserved(&word.value),
                _ => false,
            };
        self.cursor.at += usize::from(is_stream);
        is_stream.then_some(span)
    }

    /// What is read, with the name that stands for it when no alias was written.
    fn source(&mut self, streaming: bool) -> Parsed<Option<(RelationSource, Ident)>> {
        if streaming
            && let Some(word) = self.cursor.word_nth(0)
            && (word.eq_ignore_ascii_case("SELECT") || word.eq_ignore_ascii_case("WITH"))
        {
            let error = self.cursor.fail(
                self.cursor.here(),
                "STREAM reads a table, a view or a source, not a query",
            );
            return Err(error
                .help("write STREAM inside the query: `FROM (SELECT ... FROM STREAM t)`")
                .into());
        }
        let opens = self
            .cursor
            .peek_nth(1)
            .is_some_and(|next| next.token == Token::LParen);
        if let Some(word) = self.cursor.word_nth(0).filter(|_| opens) {
            let lower = word.to_ascii_lowercase();
            // It reads nothing, and a stream of it is refused under its name.
            let is_range = streaming && lower == "range";
            if READERS.contains(&lower.as_str()) || is_range {
                let function = self.table_function(&lower)?;
                let name = Ident::new(lower);
                return Ok(Some((RelationSource::Function(function), name)));
            }
            if !streaming && lower != "identifier" {
                return Ok(None);
            }
            if lower == "identifier" {
                return self.named_source();
            }
            let message = format!("`{word}` is not a source that can be read as a stream");
            let mut error = self.cursor.fail(self.cursor.here(), message);
            error.helps.extend(
                slip::nearest(&lower.to_uppercase(), &upper_readers())
                    .map(|near| did_you_mean(near.to_lowercase())),
            );
            return Err(error.into());
        }
        let name = self
            .cursor
            .qualified_name("a table, a view, a query in parentheses or a source")?;
        let quote_style = match self
            .cursor
            .at
            .checked_sub(1)
            .and_then(|last| self.cursor.lexemes.get(last))
        {
            Some(Lexeme {
                token: Token::Word(word),
                ..
            }) => word.quote_style,
            _ => None,
        };
        let last = name.parts.last().cloned().unwrap_or_default();
        let alias = Ident {
            value: last,
            quote_style,
            span: Span::empty(),
        };
        Ok(Some((path_or_name(name, quote_style.is_some()), alias)))
    }

    /// Takes `[AS] alias`.
    fn alias(&mut self) -> Parsed<Option<Ident>> {
        let explicit = self.cursor.take(&["AS"]);
        match self.cursor.peek() {
            Some(Lexeme {
                token: Token::Word(word),
                span,
                ..
            }) if explicit || word.quote_style.is_some() || !is_reserved(&word.value) => {
                self.cursor.next();
                Ok(Some(Ident {
                    value: word.value.clone(),
                    quote_style: word.quote_style,
                    span: *span,
                }))
            }
            _ if explicit => self.cursor.expected("an alias"),
            _ => Ok(None),
        }
    }

    /// Writes the placeholder with its alias.
    fn finish(
        &mut self,
        mut relation: Relation,
        place: Span,
        stream: Option<Span>,
        names: (Option<Ident>, Ident),
    ) {
        let (written, name) = names;
        let quote_style = name.quote_style;
        let has_written_alias = written.is_some();
        let alias = written.unwrap_or(name);
        relation.alias.clone_from(&alias.value);
        self.emit(
            Token::make_word(&Relation::placeholder(relation.index), Some('`')),
            place,
        );
        self.emit(Token::make_keyword("AS"), place);
        self.emit(
            Token::make_word(&alias.value, alias.quote_style),
            alias.span,
        );
        self.drafts.push(Draft {
            relation,
            alias,
            quote_style,
            has_written_alias,
            stream,
        });
    }
}

fn upper_readers() -> Vec<&'static str> {
    vec![
        "READ_FILES",
        "READ_KINESIS",
        "READ_KAFKA",
        "READ_PUBSUB",
        "READ_PULSAR",
        "CLOUD_FILES",
        "TABLE_CHANGES",
    ]
}

/// Whether a word cannot be an alias behind a relation.
pub(super) fn is_reserved(word: &str) -> bool {
    let upper = word.to_ascii_uppercase();
    NO_ALIAS.contains(&upper.as_str()) || ENDS_FROM.contains(&upper.as_str())
}

/// ``delta.`s3://…` `` is a path; everything else is a name.
fn path_or_name(name: WrittenName, is_quoted: bool) -> RelationSource {
    match name.parts.as_slice() {
        [format, path]
            if is_quoted
                && PATH_FORMATS.contains(&format.to_ascii_lowercase().as_str())
                && path.contains(['/', ':', '.', '*', '\\']) =>
        {
            RelationSource::Path {
                format: format.to_ascii_lowercase(),
                path: path.clone(),
            }
        }
        _ => RelationSource::Name(name),
    }
}

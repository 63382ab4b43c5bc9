//! Reads the text of Spark's types: `ARRAY<STRUCT<a: INT, b STRING NOT NULL>>`. Must not know Arrow.

use super::{SparkField, SparkType, TypeError};

pub(super) struct Parser<'a> {
    text: &'a str,
    position: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            position: 0,
            depth: 0,
        }
    }

    fn error<T>(&self, message: impl Into<String>) -> Result<T, TypeError> {
        Err(TypeError {
            message: message.into(),
            offset: self.position,
        })
    }

    fn rest(&self) -> &str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.position += rest.len() - rest.trim_start().len();
    }

    pub(super) fn peek_end(&mut self) -> bool {
        self.space();
        self.rest().is_empty()
    }

    pub(super) fn end(&mut self) -> Result<(), TypeError> {
        if self.peek_end() {
            return Ok(());
        }
        self.error(format!(
            "expected the end of the type, found `{}`",
            self.rest()
        ))
    }

    fn take(&mut self, symbol: char) -> bool {
        self.space();
        let found = self.rest().starts_with(symbol);
        if found {
            self.position += symbol.len_utf8();
        }
        found
    }

    fn need(&mut self, symbol: char) -> Result<(), TypeError> {
        if self.take(symbol) {
            Ok(())
        } else {
            self.error(format!("expected `{symbol}`"))
        }
    }

    fn word(&mut self) -> Result<String, TypeError> {
        self.space();
        if self.rest().starts_with('`') {
            return self.quoted('`');
        }
        let rest = self.rest();
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
            .unwrap_or(rest.len());
        if length == 0 {
            return self.error("expected a name");
        }
        let word = rest[..length].to_string();
        self.position += length;
        Ok(word)
    }

    /// Reads a quoted text; a doubled quote stands for one.
    fn quoted(&mut self, quote: char) -> Result<String, TypeError> {
        let mut out = String::new();
        let mut chars = self.rest().char_indices().skip(1).peekable();
        while let Some((index, symbol)) = chars.next() {
            if symbol != quote {
                out.push(symbol);
            } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
                out.push(quote);
                chars.next();
            } else {
                self.position += index + symbol.len_utf8();
                return Ok(out);
            }
        }
        self.error(format!("expected a closing `{quote}`"))
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        self.space();
        let rest = self.rest();
        let matches = rest
            .get(..keyword.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(keyword))
            && !rest[keyword.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
        if matches {
            self.position += keyword.len();
        }
        matches
    }

    pub(super) fn fields(&mut self) -> Result<Vec<SparkField>, TypeError> {
        let mut fields = vec![];
        loop {
            let name = self.word()?;
            self.take(':');
            let data_type = self.data_type()?;
            let mut field = SparkField::new(name, data_type);
            if self.keyword("NOT") {
                if !self.keyword("NULL") {
                    return self.error("expected `NULL` after `NOT`");
                }
                field.nullable = false;
            }
            if self.keyword("COMMENT") {
                self.space();
                let quote = if self.rest().starts_with('"') {
                    '"'
                } else {
                    '\''
                };
                if !self.rest().starts_with(quote) {
                    return self.error("expected a string after `COMMENT`");
                }
                field.comment = Some(self.quoted(quote)?);
            }
            fields.push(field);
            if !self.take(',') {
                return Ok(fields);
            }
        }
    }

    pub(super) fn data_type(&mut self) -> Result<SparkType, TypeError> {
        if self.depth >= crate::limits::SQL_NESTING_MAX {
            return self.error("the type nests too deeply");
        }
        self.depth += 1;
        let start = {
            self.space();
            self.position
        };
        let word = self.word()?.to_ascii_uppercase();
        let data_type = match word.as_str() {
            "BOOLEAN" | "BOOL" => SparkType::Boolean,
            "TINYINT" | "BYTE" => SparkType::Byte,
            "SMALLINT" | "SHORT" => SparkType::Short,
            "INT" | "INTEGER" => SparkType::Int,
            "BIGINT" | "LONG" => SparkType::Long,
            "FLOAT" | "REAL" => SparkType::Float,
            "DOUBLE" => SparkType::Double,
            "STRING" => SparkType::String,
            "VARCHAR" | "CHAR" | "CHARACTER" => {
                self.need('(')?;
                self.number()?;
                self.need(')')?;
                SparkType::String
            }
            "BINARY" => SparkType::Binary,
            "DATE" => SparkType::Date,
            "TIMESTAMP" | "TIMESTAMP_LTZ" => SparkType::Timestamp,
            "TIMESTAMP_NTZ" => SparkType::TimestampNtz,
            "VOID" | "NULL" => SparkType::Null,
            "DECIMAL" | "DEC" | "NUMERIC" => self.decimal()?,
            "ARRAY" => {
                self.need('<')?;
                let element = self.data_type()?;
                self.need('>')?;
                SparkType::Array(Box::new(element))
            }
            "MAP" => {
                self.need('<')?;
                let key = self.data_type()?;
                self.need(',')?;
                let value = self.data_type()?;
                self.need('>')?;
                SparkType::Map(Box::new(key), Box::new(value))
            }
            "STRUCT" => {
                self.need('<')?;
                let fields = if self.take('>') {
                    vec![]
                } else {
                    let fields = self.fields()?;
                    self.need('>')?;
                    fields
                };
                SparkType::Struct(fields)
            }
            _ => {
                self.position = start;
                return self.error(format!("`{word}` is not a data type"));
            }
        };
        self.depth -= 1;
        Ok(data_type)
    }

    fn number(&mut self) -> Result<u32, TypeError> {
        let word = self.word()?;
        word.parse()
            .or_else(|_| self.error(format!("expected a number, found `{word}`")))
    }

    fn decimal(&mut self) -> Result<SparkType, TypeError> {
        if !self.take('(') {
            return Ok(SparkType::Decimal(10, 0));
        }
        let precision = self.number()?;
        let scale = if self.take(',') { self.number()? } else { 0 };
        self.need(')')?;
        match (u8::try_from(precision), i8::try_from(scale)) {
            (Ok(p @ 1..=38), Ok(s)) if i32::from(s) <= i32::from(p) => Ok(SparkType::Decimal(p, s)),
            _ => self.error(format!("DECIMAL({precision},{scale}) is out of range: precision is 1 to 38, scale at most precision")),
        }
    }
}

//! What sqlparser must know of the pipeline dialect: Spark's operators and precedences, and Databricks' paths.
//! Its own `databricks` and `spark` dialects each lack half. Must not rewrite tokens: `rewrite` does.
//!
//! Functions with syntax of their own (`CAST`, `TRIM`, `POSITION`, …) are dispatched here, once: sqlparser would
//! try each twice, as syntax and as a plain call, which takes exponential time on nested text with an error.

use sqlparser::ast::{
    BinaryOperator, CastKind, Expr, Ident, ObjectName, TrimWhereField, UnaryOperator,
};
use sqlparser::dialect::{Dialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Span, Token, Word};

/// The dialect of queries and expressions.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PipelineDialect;

/// How far a call is looked into for a keyword such as `FROM`; longer calls count as plain ones.
const LOOKAHEAD_TOKENS_MAX: usize = 1_000;

impl Dialect for PipelineDialect {
    fn is_identifier_start(&self, ch: char) -> bool {
        ch == '_' || ch.is_alphabetic()
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch == '_' || ch.is_alphanumeric()
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '`'
    }

    fn identifier_quote_style(&self, _identifier: &str) -> Option<char> {
        Some('`')
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_group_by_with_modifier(&self) -> bool {
        true
    }

    fn supports_order_by_all(&self) -> bool {
        true
    }

    fn supports_lambda_functions(&self) -> bool {
        true
    }

    fn supports_select_wildcard_except(&self) -> bool {
        true
    }

    /// Takes what `rewrite` makes of EXCEPT with qualified names.
    fn supports_select_wildcard_exclude(&self) -> bool {
        true
    }

    /// Takes what `rewrite` makes of `|> SET`.
    fn supports_select_wildcard_replace(&self) -> bool {
        true
    }

    fn supports_struct_literal(&self) -> bool {
        true
    }

    fn supports_values_as_table_factor(&self) -> bool {
        true
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    fn supports_bang_not_operator(&self) -> bool {
        true
    }

    fn supports_cte_without_as(&self) -> bool {
        true
    }

    fn supports_select_item_multi_column_alias(&self) -> bool {
        true
    }

    fn supports_long_type_as_bigint(&self) -> bool {
        true
    }

    fn supports_map_literal_with_angle_brackets(&self) -> bool {
        true
    }

    fn supports_window_function_null_treatment_arg(&self) -> bool {
        true
    }

    fn supports_window_clause_named_window_reference(&self) -> bool {
        true
    }

    fn supports_string_literal_concatenation(&self) -> bool {
        true
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    fn supports_from_first_select(&self) -> bool {
        true
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    /// Takes the fields of `CAST(NULL AS INTERVAL DAY TO SECOND)`.
    fn supports_interval_options(&self) -> bool {
        true
    }

    /// `||` binds as `+` does, shifts bind looser than `+` and tighter than `&`, a path (`v:a.b`) tighter than any operator.
    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        match &parser.peek_token_ref().token {
            Token::StringConcat => Some(Ok(self.prec_value(Precedence::PlusMinus))),
            Token::ShiftLeft | Token::ShiftRight => {
                Some(Ok(self.prec_value(Precedence::Ampersand) + 1))
            }
            Token::Colon => match &parser.peek_nth_token_ref(1).token {
                Token::Word(_) | Token::LBracket => {
                    Some(Ok(self.prec_value(Precedence::DoubleColon)))
                }
                _ => Some(Ok(self.prec_unknown())),
            },
            // In Spark `~` stands before its operand only.
            Token::Tilde => Some(Ok(self.prec_unknown())),
            _ => None,
        }
    }

    /// `DIV`, which binds as `*` does, `>>>`, and `IS [NOT] DISTINCT FROM`, whose right side ends before `AND`.
    fn parse_infix(
        &self,
        parser: &mut Parser,
        expr: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        if parser.parse_keyword(Keyword::DIV) {
            let right = parser.parse_subexpr(precedence);
            return Some(right.map(|right| Expr::BinaryOp {
                left: Box::new(expr.clone()),
                op: BinaryOperator::MyIntegerDivide,
                right: Box::new(right),
            }));
        }
        if *parser.peek_token_ref() == Token::ShiftRight
            && parser.peek_nth_token_ref(1).token == Token::Gt
        {
            parser.next_token();
            parser.next_token();
            let right = parser.parse_subexpr(precedence);
            return Some(right.map(|right| Expr::BinaryOp {
                left: Box::new(expr.clone()),
                op: BinaryOperator::Custom(">>>".into()),
                right: Box::new(right),
            }));
        }
        let negated = if parser.parse_keywords(&[Keyword::IS, Keyword::DISTINCT, Keyword::FROM]) {
            false
        } else if parser.parse_keywords(&[
            Keyword::IS,
            Keyword::NOT,
            Keyword::DISTINCT,
            Keyword::FROM,
        ]) {
            true
        } else {
            return None;
        };
        Some(parser.parse_subexpr(precedence).map(|right| {
            let (left, right) = (Box::new(expr.clone()), Box::new(right));
            if negated {
                Expr::IsNotDistinctFrom(left, right)
            } else {
                Expr::IsDistinctFrom(left, right)
            }
        }))
    }

    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        let token = parser.peek_token_ref();
        let span = token.span;
        if token.token == Token::Tilde {
            parser.next_token();
            let operand = parser.parse_subexpr(self.prec_value(Precedence::MulDivModOp));
            let not = |expr| Expr::UnaryOp {
                op: UnaryOperator::BitwiseNot,
                expr: Box::new(expr),
            };
            return Some(operand.map(not));
        }
        let Token::Word(
            word @ Word {
                quote_style: None, ..
            },
        ) = &token.token
        else {
            return None;
        };
        let word = word.clone();
        let next = &parser.peek_nth_token_ref(1).token;
        let called = *next == Token::LParen;
        match word.keyword {
            Keyword::CASE => {
                parser.next_token();
                Some(parser.parse_case_expr())
            }
            Keyword::NOT => {
                parser.next_token();
                Some(parser.parse_not())
            }
            Keyword::INTERVAL if !called && !matches!(next, Token::SingleQuotedString(_)) => {
                parser.next_token();
                Some(Ok(Expr::Identifier(identifier(word, span))))
            }
            keyword if called => parse_call(parser, keyword, identifier(word, span)),
            _ => None,
        }
    }
}

/// Parses a call whose function may have syntax of its own; the name is the next token and `(` follows.
fn parse_call(
    parser: &mut Parser,
    keyword: Keyword,
    name: Ident,
) -> Option<Result<Expr, ParserError>> {
    let has = |words: &[Keyword]| call_has_word(parser, words);
    let special = match keyword {
        Keyword::CAST | Keyword::TRY_CAST | Keyword::EXTRACT => true,
        Keyword::SUBSTR | Keyword::SUBSTRING => has(&[Keyword::FROM, Keyword::FOR]),
        Keyword::TRIM => has(&[
            Keyword::FROM,
            Keyword::BOTH,
            Keyword::LEADING,
            Keyword::TRAILING,
        ]),
        Keyword::POSITION => has(&[Keyword::IN]),
        Keyword::OVERLAY => has(&[Keyword::PLACING]),
        Keyword::EXISTS => {
            let inner = &parser.peek_nth_token_ref(2).token;
            let query = [
                Keyword::SELECT,
                Keyword::WITH,
                Keyword::VALUES,
                Keyword::FROM,
            ];
            matches!(inner, Token::LParen)
                || matches!(inner, Token::Word(w) if query.contains(&w.keyword))
        }
        Keyword::ARRAY
        | Keyword::CEIL
        | Keyword::FLOOR
        | Keyword::CONVERT
        | Keyword::INTERVAL
        | Keyword::CURRENT_TIMESTAMP
        | Keyword::CURRENT_DATE
        | Keyword::CURRENT_TIME
        | Keyword::LOCALTIMESTAMP => false,
        // With types or names of fields it is syntax.
        Keyword::STRUCT if call_has_star(parser) => false,
        _ => return None,
    };
    if special && matches!(keyword, Keyword::SUBSTR | Keyword::SUBSTRING) {
        return Some(parser.parse_substring());
    }
    parser.next_token();
    Some(match keyword {
        _ if !special => parser.parse_function(ObjectName::from(vec![name])),
        Keyword::CAST => parser.parse_cast_expr(CastKind::Cast),
        Keyword::TRY_CAST => parser.parse_cast_expr(CastKind::TryCast),
        Keyword::EXTRACT => parser.parse_extract_expr(),
        Keyword::TRIM => parse_trim(parser),
        Keyword::POSITION => parser.parse_position_expr(name),
        Keyword::OVERLAY => parser.parse_overlay_expr(),
        _ => parser.parse_exists_expr(false),
    })
}

/// `trim(LEADING FROM x)`, which sqlparser does not take, and what it takes.
fn parse_trim(parser: &mut Parser) -> Result<Expr, ParserError> {
    let side = match &parser.peek_nth_token_ref(1).token {
        Token::Word(word) => match word.keyword {
            Keyword::LEADING => Some(TrimWhereField::Leading),
            Keyword::TRAILING => Some(TrimWhereField::Trailing),
            Keyword::BOTH => Some(TrimWhereField::Both),
            _ => None,
        },
        _ => None,
    };
    let from = matches!(&parser.peek_nth_token_ref(2).token, Token::Word(word) if word.keyword == Keyword::FROM);
    if side.is_none() || !from {
        return parser.parse_trim_expr();
    }
    for _ in 0..3 {
        parser.next_token();
    }
    let expr = Box::new(parser.parse_expr()?);
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::Trim {
        expr,
        trim_where: side,
        trim_what: None,
        trim_characters: None,
    })
}

/// Whether one of the words stands directly between the parentheses of the call that comes next.
fn call_has_word(parser: &Parser, words: &[Keyword]) -> bool {
    let mut depth = 0_usize;
    for ahead in 1..LOOKAHEAD_TOKENS_MAX {
        match &parser.peek_nth_token_ref(ahead).token {
            Token::LParen => depth += 1,
            Token::RParen if depth <= 1 => return false,
            Token::RParen => depth -= 1,
            Token::EOF => return false,
            Token::Word(word) if depth == 1 && words.contains(&word.keyword) => return true,
            _ => {}
        }
    }
    false
}

/// Whether `*` or `t.*` is an argument of the call that comes next.
fn call_has_star(parser: &Parser) -> bool {
    let mut depth = 0_usize;
    let mut before = Token::EOF;
    for ahead in 1..LOOKAHEAD_TOKENS_MAX {
        let token = &parser.peek_nth_token_ref(ahead).token;
        match token {
            Token::LParen => depth += 1,
            Token::RParen if depth <= 1 => return false,
            Token::RParen => depth -= 1,
            Token::EOF => return false,
            Token::Mul
                if depth == 1 && matches!(before, Token::LParen | Token::Comma | Token::Period) =>
            {
                return true;
            }
            _ => {}
        }
        before = token.clone();
    }
    false
}

fn identifier(word: Word, span: Span) -> Ident {
    Ident {
        value: word.value,
        quote_style: word.quote_style,
        span,
    }
}

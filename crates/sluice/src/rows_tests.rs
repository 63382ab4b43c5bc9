//! Forms of rows.

use arrow::array::{
    BinaryArray, BooleanArray, Float64Array, Int64Array, ListBuilder, RecordBatch, StringBuilder,
    TimestampMicrosecondArray,
};

use super::*;

fn rows() -> Rows {
    let mut list = ListBuilder::new(StringBuilder::new());
    list.values().append_value("a\"b");
    list.append(true);
    list.append(false);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("n", Arc::new(Int64Array::from(vec![Some(7), None]))),
        ("d", Arc::new(Float64Array::from(vec![f64::NAN, 0.1]))),
        ("b", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        (
            "s",
            Arc::new(StringArray::from(vec![Some(""), Some("x,\"y|z")])),
        ),
        (
            "t",
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(1_500_000), None]).with_timezone("UTC"),
            ),
        ),
        ("l", Arc::new(list.finish())),
    ];
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
            .unwrap();
    Rows::of(
        &QueryResult {
            schema: batch.schema(),
            batches: vec![batch],
        },
        "UTC",
    )
}

#[test]
fn csv_tells_null_from_empty() {
    assert_eq!(
        rows().render(Mode::Csv, None),
        "n,d,b,s,t,l\n7,NaN,true,\"\",1970-01-01 00:00:01.5,\"[\"\"a\\\"\"b\"\"]\"\n,0.1,,\"x,\"\"y|z\",,\n"
    );
}

#[test]
fn json_keeps_types() {
    let expected = concat!(
        r#"{"n":7,"d":"NaN","b":true,"s":"","t":"1970-01-01 00:00:01.5","l":["a\"b"]}"#,
        "\n",
        r#"{"n":null,"d":0.1,"b":null,"s":"x,\"y|z","t":null,"l":null}"#,
        "\n"
    );
    assert_eq!(rows().render(Mode::Jsonlines, None), expected);
    let array: Value = serde_json::from_str(&rows().render(Mode::Json, None)).unwrap();
    assert_eq!(array.as_array().unwrap().len(), 2);
}

#[test]
fn tables_for_people() {
    let rows = Rows::of_texts(
        &["name", "x"],
        vec![
            vec![Some("a long text".into()), None],
            vec![Some("b\nc".into()), Some("1|2".into())],
        ],
    );
    assert_eq!(
        rows.render(Mode::Markdown, None),
        "| name | x |\n| --- | --- |\n| a long text | NULL |\n| b<br>c | 1\\|2 |\n"
    );
    assert_eq!(
        rows.render(Mode::Box, Some(6)),
        "┌────────┬──────┐\n│ name   │ x    │\n├────────┼──────┤\n│ a lon… │ NULL │\n│ b↵c    │ 1|2  │\n└────────┴──────┘\n"
    );
    assert_eq!(
        rows.plain(None),
        "name         x\n-----------  ----\na long text  NULL\nb↵c          1|2\n"
    );
}

#[test]
fn bytes_are_written_as_spark_does() {
    let bytes: ArrayRef = Arc::new(BinaryArray::from_opt_vec(vec![
        Some(&[0, 255]),
        Some(&[]),
        None,
    ]));
    let batch = RecordBatch::try_from_iter_with_nullable([("b", bytes, true)]).unwrap();
    let result = QueryResult {
        schema: batch.schema(),
        batches: vec![batch],
    };
    let rows = Rows::of(&result, "UTC");
    for (mode, expected) in [
        (
            Mode::Jsonlines,
            "{\"b\":\"AP8=\"}\n{\"b\":\"\"}\n{\"b\":null}\n",
        ),
        (Mode::Csv, "b\n[00 FF]\n[]\n\n"),
        (
            Mode::Markdown,
            "| b |\n| --- |\n| [00 FF] |\n| [] |\n| NULL |\n",
        ),
    ] {
        assert_eq!(rows.render(mode, None), expected);
    }
}

#[test]
fn data_neither_breaks_the_frame_nor_reaches_the_terminal() {
    let cells = ["日本", "\u{1b}[2J\u{7}", "e\u{301}", "日本日本"];
    let cells = cells.map(|text| vec![Some(text.to_owned())]).to_vec();
    let rows = Rows::of_texts(&["b"], cells);
    assert_eq!(
        rows.render(Mode::Box, Some(6)),
        "┌────────┐\n│ b      │\n├────────┤\n│ 日本   │\n│ \\u{1b… │\n│ e\u{301}      │\n│ 日本…  │\n└────────┘\n"
    );
    let shown = rows.render(Mode::Markdown, None);
    assert!(shown.contains("| \\u{1b}[2J\\u{7} |"), "{shown}");
}

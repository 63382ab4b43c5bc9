//! Every type there and back, partitions, and statistics that never hide a row.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array,
    Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, ListArray, MapArray, RecordBatch,
    StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};
use datafusion::prelude::SessionContext;
use serde_json::Value;
use sluice_model::{SparkType, data_type};
use sluice_table::{DeltaTable, Store, TableDefinition};

use crate::read::all;
use crate::support::{append, definition, made, memory, place, request};

async fn table_of(store: &Store, columns: &SchemaRef, partition_by: &[&str]) -> DeltaTable {
    let definition = TableDefinition {
        partition_by: partition_by.iter().map(|name| (*name).to_owned()).collect(),
        ..definition(Arc::clone(columns))
    };
    DeltaTable::create_if_absent(store, &place(store), &definition)
        .await
        .unwrap()
}

fn spark_columns(text: &str) -> SchemaRef {
    let fields = data_type::parse_schema(text).unwrap();
    let DataType::Struct(fields) = SparkType::Struct(fields).to_arrow() else {
        unreachable!()
    };
    Arc::new(Schema::new(fields))
}

#[expect(clippy::too_many_lines, reason = "a table of values")]
fn scalars() -> Vec<ArrayRef> {
    let micros = [
        Some(0),
        Some(-62_135_596_800_000_000),
        Some(253_402_300_799_999_999),
        None,
    ];
    vec![
        Arc::new(Int64Array::from_iter_values(0..4)),
        Arc::new(BooleanArray::from(vec![
            Some(true),
            Some(false),
            None,
            Some(true),
        ])),
        Arc::new(Int8Array::from(vec![
            Some(i8::MIN),
            Some(i8::MAX),
            None,
            Some(0),
        ])),
        Arc::new(Int16Array::from(vec![
            Some(i16::MIN),
            Some(i16::MAX),
            None,
            Some(0),
        ])),
        Arc::new(Int32Array::from(vec![
            Some(i32::MIN),
            Some(i32::MAX),
            None,
            Some(0),
        ])),
        Arc::new(Int64Array::from(vec![
            Some(i64::MIN),
            Some(i64::MAX),
            None,
            Some(0),
        ])),
        Arc::new(Float32Array::from(vec![
            Some(f32::NEG_INFINITY),
            Some(f32::NAN),
            None,
            Some(-0.0),
        ])),
        Arc::new(Float64Array::from(vec![
            Some(f64::MIN_POSITIVE),
            Some(f64::NAN),
            None,
            Some(1e300),
        ])),
        Arc::new(
            Decimal128Array::from(vec![
                Some(10_i128.pow(38) - 1),
                Some(1 - 10_i128.pow(38)),
                None,
                Some(1),
            ])
            .with_precision_and_scale(38, 10)
            .unwrap(),
        ),
        Arc::new(
            Decimal128Array::from(vec![Some(99_999), Some(-99_999), None, Some(5)])
                .with_precision_and_scale(5, 2)
                .unwrap(),
        ),
        Arc::new(StringArray::from(vec![
            Some(""),
            Some("\u{10FFFF}\u{10FFFF}"),
            None,
            Some("a\u{0}\"\\\n"),
        ])),
        Arc::new(BinaryArray::from(vec![
            Some(&[0_u8, 255][..]),
            Some(&[]),
            None,
            Some(b"x"),
        ])),
        Arc::new(Date32Array::from(vec![
            Some(-719_162),
            Some(2_932_896),
            None,
            Some(0),
        ])),
        Arc::new(TimestampMicrosecondArray::from(micros.to_vec()).with_timezone("UTC")),
    ]
}

fn nested() -> (Vec<Field>, Vec<ArrayRef>) {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
        Some(vec![Some(1), None]),
        Some(vec![]),
        None,
        Some(vec![Some(3)]),
    ]);
    let item = Arc::new(Field::new("element", DataType::Int32, true));
    let list = ListArray::new(
        Arc::clone(&item),
        list.offsets().clone(),
        Arc::clone(list.values()),
        list.nulls().cloned(),
    );
    let key = Arc::new(Field::new("key", DataType::Utf8, false));
    let value = Arc::new(Field::new("value", DataType::Float64, true));
    let entries = StructArray::new(
        vec![key, value].into(),
        vec![
            Arc::new(StringArray::from(vec!["k", "l"])),
            Arc::new(Float64Array::from(vec![Some(f64::NAN), None])),
        ],
        None,
    );
    let field = Arc::new(Field::new("key_value", entries.data_type().clone(), false));
    let map = MapArray::new(
        field,
        OffsetBuffer::from_lengths([1, 0, 0, 1]),
        entries,
        None,
        false,
    );
    let inner: ArrayRef = Arc::new(Float32Array::from(vec![
        Some(1.5),
        Some(f32::NAN),
        None,
        Some(-2.5),
    ]));
    let fields = vec![
        Arc::new(Field::new("x", DataType::Float32, true)),
        Arc::new(Field::new("l", list.data_type().clone(), true)),
    ];
    let structs = StructArray::new(
        fields.into(),
        vec![inner, Arc::new(list.clone())],
        Some(vec![true, true, false, true].into()),
    );
    let fields = vec![
        Field::new("l", list.data_type().clone(), true),
        Field::new("m", map.data_type().clone(), true),
        Field::new("s", structs.data_type().clone(), true),
    ];
    (
        fields,
        vec![Arc::new(list), Arc::new(map), Arc::new(structs)],
    )
}

#[tokio::test]
async fn every_type_comes_back_as_it_went() {
    let scalar = spark_columns(
        "id BIGINT NOT NULL, b BOOLEAN, t TINYINT, h SMALLINT, i INT, l8 BIGINT, f FLOAT, d DOUBLE, n DECIMAL(38,10), \
         p DECIMAL(5,2), c STRING, y BINARY, a DATE, z TIMESTAMP",
    );
    let (fields, columns) = nested();
    let fields: Vec<_> = scalar
        .fields()
        .iter()
        .map(|field| field.as_ref().clone())
        .chain(fields)
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        scalars().into_iter().chain(columns).collect(),
    )
    .unwrap();
    let store = memory();
    let table = table_of(&store, &schema, &[]).await;
    assert_eq!(table.schema(), schema);
    made(append(&table, "a", 0, &batch).await);
    let provider = table.provider(None).await.unwrap();
    assert_eq!(provider.schema(), schema);
    let read = concat_batches(&schema, &all(provider).await).unwrap();
    assert_eq!(format!("{read:?}"), format!("{batch:?}"));
}

#[tokio::test]
async fn timestamps_without_zone_need_and_get_their_feature() {
    let schema = spark_columns("id BIGINT, z TIMESTAMP_NTZ");
    let column = TimestampMicrosecondArray::from(vec![Some(1), None]);
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        vec![Arc::new(Int64Array::from(vec![1, 2])), Arc::new(column)],
    )
    .unwrap();
    let store = memory();
    let table = table_of(&store, &schema, &[]).await;
    made(append(&table, "a", 0, &batch).await);
    assert_eq!(
        concat_batches(&schema, &all(table.provider(None).await.unwrap()).await).unwrap(),
        batch
    );
    let detail = table.detail().await.unwrap();
    assert!(
        format!("{:?}", detail.column_by_name("tableFeatures").unwrap()).contains("timestampNtz")
    );
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of values")]
async fn partition_values_of_every_kind_come_back() {
    let schema =
        spark_columns("id BIGINT, c STRING, i INT, a DATE, n DECIMAL(5,2), z TIMESTAMP, b BOOLEAN");
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        vec![
            Arc::new(Int64Array::from_iter_values(0..5)),
            Arc::new(StringArray::from(vec![
                Some("plain"),
                Some("sl/ash %=?#é"),
                None,
                Some(".."),
                Some("plain"),
            ])),
            Arc::new(Int32Array::from(vec![
                Some(1),
                Some(-1),
                None,
                Some(0),
                Some(1),
            ])),
            Arc::new(Date32Array::from(vec![
                Some(19_000),
                Some(-1),
                None,
                Some(0),
                Some(19_000),
            ])),
            Arc::new(
                Decimal128Array::from(vec![Some(150), Some(-5), None, Some(0), Some(150)])
                    .with_precision_and_scale(5, 2)
                    .unwrap(),
            ),
            Arc::new(
                TimestampMicrosecondArray::from(vec![
                    Some(1_700_000_000_123_456),
                    Some(-1),
                    None,
                    Some(0),
                    Some(1_700_000_000_123_456),
                ])
                .with_timezone("UTC"),
            ),
            Arc::new(BooleanArray::from(vec![
                Some(true),
                Some(false),
                None,
                Some(true),
                Some(true),
            ])),
        ],
    )
    .unwrap();
    let store = memory();
    let table = table_of(&store, &schema, &["c", "i", "a", "n", "z", "b"]).await;
    assert_eq!(table.partition_by(), ["c", "i", "a", "n", "z", "b"]);
    made(append(&table, "a", 0, &batch).await);
    assert_eq!(table.size().0, 4);
    let session = SessionContext::new();
    session
        .register_table("t", table.provider(None).await.unwrap())
        .unwrap();
    let read = session
        .sql("SELECT * FROM t ORDER BY id")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert_eq!(concat_batches(&schema, &read).unwrap(), batch);
    let found = session
        .sql("SELECT id FROM t WHERE c = 'sl/ash %=?#é'")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
    let files = table.snapshot_files(1).await.unwrap();
    let provider = table.provider_for_files(&files, 0).await.unwrap();
    assert_eq!(
        all(provider)
            .await
            .iter()
            .map(RecordBatch::num_rows)
            .sum::<usize>(),
        5
    );
}

/// Statistics of the only file that holds a batch.
async fn stats_of(schema: &SchemaRef, batch: &RecordBatch) -> Value {
    let store = memory();
    let table = table_of(&store, schema, &[]).await;
    let request = request(&table, "a", 0, batch).await;
    serde_json::from_str(request.adds[0].stats.as_deref().unwrap()).unwrap()
}

#[tokio::test]
async fn statistics_bound_every_value_exactly() {
    let schema = spark_columns(
        "id BIGINT NOT NULL, b BOOLEAN, t TINYINT, h SMALLINT, i INT, l8 BIGINT, f FLOAT, d DOUBLE, n DECIMAL(38,10), \
         p DECIMAL(5,2), c STRING, y BINARY, a DATE, z TIMESTAMP",
    );
    let batch = RecordBatch::try_new(Arc::clone(&schema), scalars()).unwrap();
    let stats = stats_of(&schema, &batch).await;
    assert_eq!(stats["numRecords"], 4);
    assert_eq!(stats["nullCount"]["c"], 1);
    assert_eq!(stats["nullCount"]["f"], 1);
    assert_eq!(stats["minValues"]["l8"], i64::MIN);
    assert_eq!(stats["maxValues"]["l8"], i64::MAX);
    assert_eq!(stats["minValues"]["t"], -128);
    assert_eq!(stats["maxValues"]["p"].to_string(), "999.99");
    assert_eq!(stats["minValues"]["a"], "0001-01-01");
    assert_eq!(stats["maxValues"]["a"], "9999-12-31");
    assert_eq!(stats["maxValues"]["z"], "9999-12-31T23:59:59.999999Z");
    assert_eq!(stats["minValues"]["z"], "0001-01-01T00:00:00.000000Z");
    // NaN is the largest value: no upper bound may be told. An infinity has no form in JSON.
    assert_eq!(stats["maxValues"]["f"], Value::Null);
    assert_eq!(stats["maxValues"]["d"], Value::Null);
    assert_eq!(stats["minValues"]["f"], Value::Null);
    assert_eq!(stats["minValues"]["d"], f64::MIN_POSITIVE);
    assert_eq!(stats["minValues"]["y"], Value::Null);
    assert_eq!(stats["minValues"]["c"], "");
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of values")]
async fn filters_find_extreme_rows_in_spite_of_statistics() {
    let schema = spark_columns("id BIGINT, d DOUBLE, n DECIMAL(38,10), z TIMESTAMP, c STRING");
    let store = memory();
    let table = table_of(&store, &schema, &[]).await;
    let long = "é".repeat(200);
    let values: Vec<(f64, i128, i64, String)> = vec![
        (
            f64::NAN,
            10_i128.pow(38) - 1,
            1_700_000_000_123_456,
            long.clone(),
        ),
        (-0.0, 1 - 10_i128.pow(38), -1, "b".into()),
        (
            f64::INFINITY,
            12_345_678_901_234_567_890_123_456_789,
            -62_135_596_800_000_000,
            String::new(),
        ),
    ];
    for (batch, (d, n, z, c)) in values.iter().enumerate() {
        let number = i64::try_from(batch).unwrap();
        let row = RecordBatch::try_new(
            Arc::clone(&schema),
            vec![
                Arc::new(Int64Array::from(vec![number])),
                Arc::new(Float64Array::from(vec![*d])),
                Arc::new(
                    Decimal128Array::from(vec![*n])
                        .with_precision_and_scale(38, 10)
                        .unwrap(),
                ),
                Arc::new(TimestampMicrosecondArray::from(vec![*z]).with_timezone("UTC")),
                Arc::new(StringArray::from(vec![c.as_str()])),
            ],
        )
        .unwrap();
        made(append(&table, "a", number, &row).await);
    }
    let session = SessionContext::new();
    session
        .register_table("t", table.provider(None).await.unwrap())
        .unwrap();
    for (predicate, expected) in [
        ("d > 1e300", vec![0, 2]),
        ("d <= 0.0", vec![1]),
        (
            "n >= CAST('9999999999999999999999999999.9999999999' AS DECIMAL(38,10))",
            vec![0],
        ),
        (
            "n = CAST('1234567890123456789.0123456789' AS DECIMAL(38,10))",
            vec![2],
        ),
        ("z = TIMESTAMP '2023-11-14T22:13:20.123456Z'", vec![0]),
        (
            "z < arrow_cast('0001-01-02T00:00:00', 'Timestamp(Microsecond, Some(\"UTC\"))')",
            vec![2],
        ),
        (&format!("c = '{long}'"), vec![0]),
        ("c = ''", vec![2]),
    ] {
        let query = format!("SELECT id FROM t WHERE {predicate} ORDER BY id");
        let found = session.sql(&query).await.unwrap().collect().await.unwrap();
        let found: Vec<i64> = found
            .iter()
            .flat_map(|batch| {
                arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(batch.column(0))
                    .values()
                    .to_vec()
            })
            .collect();
        assert_eq!(found, expected, "{predicate}");
    }
}

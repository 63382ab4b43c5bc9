//! Tests of aggregated records: a sound one, and everything that can be wrong with one.

use super::*;

fn aggregate(message: &AggregatedRecord) -> Vec<u8> {
    let body = message.encode_to_vec();
    let digest = Md5::digest(&body);
    [&MAGIC[..], &body, &digest].concat()
}

fn two() -> AggregatedRecord {
    AggregatedRecord {
        partition_key_table: vec!["a".into(), "b".into()],
        explicit_hash_key_table: vec!["7".into()],
        records: vec![
            UserRecord {
                partition_key_index: 1,
                explicit_hash_key_index: Some(0),
                data: b"first".to_vec(),
            },
            UserRecord {
                partition_key_index: 0,
                explicit_hash_key_index: None,
                data: vec![],
            },
        ],
    }
}

#[test]
fn user_records_come_in_their_order_with_their_keys() {
    assert_eq!(
        take_apart(&aggregate(&two())),
        Payload::Aggregate(vec![("b".into(), b"first".to_vec()), ("a".into(), vec![])])
    );
    let none = AggregatedRecord::default();
    assert_eq!(take_apart(&aggregate(&none)), Payload::Aggregate(vec![]));
}

#[test]
fn bytes_as_the_producer_library_writes_them_are_read() {
    // One key "k", one record {1: 0, 3: "hi"}: written by hand from the wire format.
    let body = [&[0x0A, 1, b'k', 0x1A, 6, 0x08, 0, 0x1A, 2][..], b"hi"].concat();
    let bytes = [&MAGIC[..], &body, &Md5::digest(&body)].concat();
    assert_eq!(
        take_apart(&bytes),
        Payload::Aggregate(vec![("k".into(), b"hi".to_vec())])
    );
}

#[test]
fn what_does_not_begin_with_the_magic_is_plain() {
    for data in [
        &b""[..],
        b"{}",
        &MAGIC[..3],
        &[0xF3, 0x89, 0x9A, 0xC3, 1, 2],
    ] {
        assert_eq!(take_apart(data), Payload::Plain, "{data:?}");
    }
}

#[test]
fn every_cut_and_every_changed_byte_is_found() {
    let whole = aggregate(&two());
    for length in MAGIC.len()..whole.len() {
        assert_eq!(take_apart(&whole[..length]), Payload::Damaged, "{length}");
    }
    for place in MAGIC.len()..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        assert_eq!(take_apart(&bytes), Payload::Damaged, "{place}");
    }
}

#[test]
fn a_key_that_is_not_in_the_table_and_a_body_that_is_no_message_are_damage() {
    let mut wrong = two();
    wrong.records[0].partition_key_index = 2;
    assert_eq!(take_apart(&aggregate(&wrong)), Payload::Damaged);
    let body = b"\xFF\xFF\xFF";
    let bytes = [&MAGIC[..], body, &Md5::digest(body)].concat();
    assert_eq!(take_apart(&bytes), Payload::Damaged);
}

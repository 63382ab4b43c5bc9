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

/// Records without payload that share one key of this many characters.
fn under_one_key(character: char, characters: usize, records: usize) -> Payload {
    let record = UserRecord {
        partition_key_index: 0,
        explicit_hash_key_index: None,
        data: vec![],
    };
    take_apart(&aggregate(&AggregatedRecord {
        partition_key_table: vec![character.to_string().repeat(characters)],
        explicit_hash_key_table: vec![],
        records: vec![record; records],
    }))
}

#[test]
fn a_key_is_as_long_as_the_service_takes_it_and_no_longer() {
    for character in ['k', 'ü'] {
        let Payload::Aggregate(records) = under_one_key(character, 256, 2) else {
            panic!("{character}");
        };
        assert_eq!(records[1].0.chars().count(), 256);
        assert_eq!(under_one_key(character, 257, 2), Payload::Damaged);
    }
}

#[test]
fn a_key_is_held_once_however_many_records_share_it() {
    let Payload::Aggregate(records) = under_one_key('k', 200, 1000) else {
        panic!("damaged");
    };
    assert!(
        records
            .iter()
            .all(|(key, _)| Arc::ptr_eq(key, &records[0].0))
    );
}

#[test]
fn what_would_be_very_much_more_than_it_was_is_not_taken_apart() {
    let most = TAKEN_APART_BYTES_MAX / 256;
    let Payload::Aggregate(records) = under_one_key('k', 256, most) else {
        panic!("damaged");
    };
    assert_eq!(records.len(), most);
    assert_eq!(under_one_key('k', 256, most + 1), Payload::Damaged);
}

//! Deliveries to an endpoint of this process that answers as it is told: takes, refuses, breaks off, hangs.

#![expect(
    clippy::default_trait_access,
    reason = "settings of rooms that this one does not know"
)]

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use serde_json::Value;
use sluice_model::destination::{DestinationKind, Secret};
use sluice_model::job::Placed;
use sluice_model::{Clock, Ids, Origin};
use sluice_run::{EngineOptions, NoObserver};
use sluice_table::{
    CommitRequest, Location, Removes, Store, StoreOptions, TableDefinition, WriteOptions,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// What the endpoint does with a request.
#[derive(Debug, Clone, Copy)]
enum Act {
    Status(u16),
    /// Takes the message, and dies before it says so.
    BreakOff,
    /// Never answers.
    Hang,
}

#[derive(Debug)]
struct Received {
    key: String,
    body: Value,
}

/// An endpoint that follows a script; 200 when the script is over.
#[derive(Debug)]
struct Endpoint {
    url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Endpoint {
    async fn with(script: &[Act]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(vec![]));
        let script = Arc::new(Mutex::new(script.iter().copied().collect::<VecDeque<_>>()));
        let keeps = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&keeps), Arc::clone(&script)));
            }
        });
        Self { url, received }
    }

    fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.received.lock().unwrap())
    }

    /// Waits until so many messages came.
    async fn has(&self, number: usize) {
        while self.received.lock().unwrap().len() < number {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// The `id`s of the rows of each message.
    fn ids(&self) -> Vec<Vec<i64>> {
        let messages = self.take();
        let ids = |message: &Received| {
            let rows = message.body["rows"].as_array().unwrap();
            rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
        };
        messages.iter().map(ids).collect()
    }
}

async fn answer(
    mut stream: TcpStream,
    received: Arc<Mutex<Vec<Received>>>,
    script: Arc<Mutex<VecDeque<Act>>>,
) {
    loop {
        let mut bytes = vec![];
        let head = loop {
            if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            let mut part = [0; 4096];
            match stream.read(&mut part).await {
                Ok(0) | Err(_) => return,
                Ok(number) => bytes.extend_from_slice(&part[..number]),
            }
        };
        let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
        let header = |name: &str| {
            let start = format!("{name}: ");
            let line = text
                .lines()
                .find(|line| line.to_lowercase().starts_with(&start));
            line.map(|line| line[start.len()..].to_owned())
                .unwrap_or_default()
        };
        let length: usize = header("content-length").parse().unwrap();
        while bytes.len() < head + length {
            let mut part = [0; 4096];
            let number = stream.read(&mut part).await.unwrap();
            bytes.extend_from_slice(&part[..number]);
        }
        let body = serde_json::from_slice(&bytes[head..head + length]).unwrap();
        let key = header("idempotency-key");
        received.lock().unwrap().push(Received { key, body });
        let act = script.lock().unwrap().pop_front();
        match act.unwrap_or(Act::Status(200)) {
            Act::Status(status) => {
                let answer = format!(
                    "HTTP/1.1 {status} x\r\nretry-after: 0\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            Act::BreakOff => return,
            Act::Hang => std::future::pending::<()>().await,
        }
    }
}

#[derive(Debug, Default)]
struct World {
    now_us: AtomicI64,
    next: AtomicU64,
}

impl Clock for World {
    fn now_us(&self) -> i64 {
        self.now_us.load(Ordering::SeqCst)
    }
}

impl Ids for World {
    fn uuid(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        format!("00000000-0000-4000-8000-{number:012}")
    }
}

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<String>>);

impl Teller for Heard {
    fn tell(&self, destination: &str, delivered: &Delivered<'_>) {
        let words = match delivered {
            Delivered::Taken { rows } => format!("{destination} took {rows}"),
            Delivered::Trouble(found) => format!("{destination} {}", found.condition.name),
        };
        self.0.lock().unwrap().push(words);
    }
}

#[derive(Debug)]
struct At(Store, Location);

impl Followed for At {
    fn open(&self) -> BoxFuture<'_, Result<Option<DeltaTable>, Failure>> {
        Box::pin(async { Ok(DeltaTable::open(&self.0, &self.1).await?) })
    }
}

/// A warehouse with one table of alerts.
struct Stage {
    world: Arc<World>,
    store: Store,
    heard: Arc<Heard>,
    batches: i64,
}

impl Stage {
    fn new() -> Self {
        let world = Arc::new(World::default());
        let options = StoreOptions::new(world.clone(), world.clone());
        Self {
            world,
            store: Store::memory(options).unwrap(),
            heard: Arc::default(),
            batches: 0,
        }
    }

    fn place(&self) -> Location {
        self.store.place(&["main", "iot", "alerts"])
    }

    fn engine(&self) -> Engine {
        Engine::new(EngineOptions {
            warehouse: self.store.clone(),
            warehouse_folder: None,
            lease_owner: None,
            s3: Default::default(),
            pipeline: "plant".into(),
            target: None,
            namespace: sluice_model::Namespace::default(),
            event_log: None,
            path_rules: Default::default(),
            kinesis: Default::default(),
            observer: Arc::new(NoObserver),
            user: "tester".into(),
            time_zone: "UTC".into(),
            parallelism: 1,
            memory_bytes_max: None,
            batch_files_max: None,
            timer: Arc::new(sluice_run::WallTimer::new(Arc::clone(self.store.clock()))),
        })
    }

    async fn append(&mut self, ids: &[i64]) {
        self.commit(ids, Removes::default()).await;
    }

    async fn commit(&mut self, ids: &[i64], removes: Removes) {
        let sensors = ids.iter().map(|id| format!("s{}", id % 2));
        let columns: [(&str, ArrayRef); 2] = [
            ("id", Arc::new(Int64Array::from(ids.to_vec()))),
            (
                "sensor",
                Arc::new(sensors.map(Some).collect::<StringArray>()),
            ),
        ];
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        let definition = TableDefinition {
            name: Some("main.iot.alerts".into()),
            comment: None,
            columns: rows.schema(),
            partition_by: vec![],
            properties: BTreeMap::new(),
        };
        let made = DeltaTable::create_if_absent(&self.store, &self.place(), &definition).await;
        let table = made.unwrap();
        let mut writer = table.writer(WriteOptions::new("0000abcd", self.batches));
        writer.write(&rows).await.unwrap();
        let request = CommitRequest {
            adds: writer.finish().await.unwrap(),
            txns: vec![("app".into(), self.batches)],
            removes,
            operation: "WRITE".into(),
            ..CommitRequest::default()
        };
        table.commit(&request).await.unwrap();
        self.batches += 1;
    }

    async fn delivery(&self, destinations: Vec<Destination>) -> Delivery {
        let feeds = destinations.into_iter().map(|destination| {
            let Secret::Plain(url) = destination.url.value.clone() else {
                unreachable!()
            };
            let table = Arc::new(At(self.store.clone(), self.place()));
            let name = "main.iot.alerts".into();
            let address = Address::new(destination, &url, None).unwrap();
            (address, Feed::Rows { name, table })
        });
        let patience = Patience {
            attempt: Duration::from_millis(300),
            first_wait: Duration::from_millis(1),
        };
        let teller: Arc<dyn Teller> = self.heard.clone();
        Delivery::begin(&self.engine(), "plant", feeds.collect(), patience, &teller)
            .await
            .unwrap()
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.0.lock().unwrap())
    }
}

fn destination(name: &str, endpoint: &Endpoint) -> Destination {
    let origin = Origin::new("sluice.yml", 1, 1, 0);
    Destination {
        name: name.into(),
        origin: origin.clone(),
        kind: DestinationKind::Webhook,
        url: Placed {
            value: Secret::Plain(endpoint.url.clone()),
            origin,
        },
        table: None,
        deduplication_key: vec![],
        group_rows_max: 2,
        cool_down_seconds: 0,
        template: None,
        signing_secret: None,
        alerts: vec![],
        attempts_max: 5,
    }
}

const LONG: Duration = Duration::from_mins(1);

#[tokio::test]
async fn appended_rows_are_told_in_groups_and_once() {
    let (mut stage, endpoint) = (Stage::new(), Endpoint::with(&[]).await);
    let mut delivery = stage.delivery(vec![destination("ops", &endpoint)]).await;
    assert_eq!(delivery.drain(LONG).await, 0);
    stage.append(&[1, 2, 3]).await;
    stage.append(&[4]).await;
    assert_eq!(delivery.drain(LONG).await, 0);
    assert_eq!(endpoint.ids(), [vec![1, 2], vec![3], vec![4]]);
    let mut again = stage.delivery(vec![destination("ops", &endpoint)]).await;
    stage.append(&[5]).await;
    again.drain(LONG).await;
    assert_eq!(endpoint.ids(), [vec![5]]);
    assert_eq!(
        stage.heard(),
        ["ops took 2", "ops took 1", "ops took 1", "ops took 1"]
    );
}

#[tokio::test]
async fn a_new_destination_hears_of_new_rows_only() {
    let (mut stage, endpoint) = (Stage::new(), Endpoint::with(&[]).await);
    stage.append(&[1]).await;
    let mut delivery = stage.delivery(vec![destination("ops", &endpoint)]).await;
    stage.append(&[2]).await;
    delivery.drain(LONG).await;
    assert_eq!(endpoint.ids(), [vec![2]]);
}

#[tokio::test]
async fn whoever_dies_before_the_answer_sends_the_same_again_under_the_same_key() {
    let (mut stage, endpoint) = (Stage::new(), Endpoint::with(&[Act::Hang]).await);
    drop(stage.delivery(vec![destination("ops", &endpoint)]).await);
    stage.append(&[1, 2, 3]).await;
    let mut first = stage.delivery(vec![destination("ops", &endpoint)]).await;
    // It dies while it waits for the answer.
    tokio::select! {
        _ = first.drain(LONG) => unreachable!("nobody answers"),
        () = endpoint.has(1) => {}
    }
    drop(first);
    let mut second = stage.delivery(vec![destination("ops", &endpoint)]).await;
    assert_eq!(second.drain(LONG).await, 0);
    let received = endpoint.take();
    assert_eq!(received.len(), 3);
    assert_eq!(received[0].key, received[1].key);
    assert_eq!(received[0].body, received[1].body);
    assert_eq!(
        received[0].body["deduplication_key"],
        Value::from(received[0].key.as_str())
    );
    assert_ne!(received[1].key, received[2].key);
}

#[tokio::test]
async fn refusals_and_broken_connections_are_tried_again() {
    let script = [
        Act::Status(429),
        Act::Status(500),
        Act::BreakOff,
        Act::Status(302),
    ];
    let (mut stage, endpoint) = (Stage::new(), Endpoint::with(&script).await);
    let mut delivery = stage.delivery(vec![destination("ops", &endpoint)]).await;
    stage.append(&[1]).await;
    assert_eq!(delivery.drain(LONG).await, 0);
    let received = endpoint.take();
    assert_eq!(received.len(), 5);
    assert!(
        received
            .iter()
            .all(|message| message.key == received[0].key)
    );
    assert_eq!(stage.heard(), ["ops DELIVERY_DELAYED", "ops took 1"]);
}

#[tokio::test]
async fn a_message_that_nobody_takes_is_put_aside_and_the_next_rows_go() {
    let script = [Act::Status(500); 2];
    let (mut stage, endpoint) = (Stage::new(), Endpoint::with(&script).await);
    let mut ops = destination("ops", &endpoint);
    ops.attempts_max = 2;
    let mut delivery = stage.delivery(vec![ops]).await;
    stage.append(&[1]).await;
    stage.append(&[2]).await;
    assert_eq!(delivery.drain(LONG).await, 0);
    assert_eq!(endpoint.ids(), [vec![1], vec![1], vec![2]]);
    let heard = [
        "ops DELIVERY_DELAYED",
        "ops DELIVERY_GIVEN_UP",
        "ops took 1",
    ];
    assert_eq!(stage.heard(), heard);
    let dead = stage.engine().own_place("delivery").child(["ops", "dead"]);
    assert_eq!(stage.store.list(&dead).await.unwrap().len(), 1);
    let log = stage.engine().event_log_table().await.unwrap().unwrap();
    assert_eq!(log.row_count(), Some(1));
}

#[tokio::test]
async fn a_destination_that_hangs_keeps_no_other_one_waiting() {
    let (mut stage, dead) = (Stage::new(), Endpoint::with(&[Act::Hang; 100]).await);
    let alive = Endpoint::with(&[]).await;
    let mut both = vec![destination("dead", &dead), destination("alive", &alive)];
    both[0].attempts_max = 1000;
    let mut delivery = stage.delivery(both).await;
    stage.append(&[1, 2, 3]).await;
    tokio::select! {
        _ = delivery.drain(LONG) => unreachable!("one of the two never answers"),
        () = alive.has(2) => {}
    }
    assert_eq!(alive.ids(), [vec![1, 2], vec![3]]);
}

#[tokio::test]
async fn a_key_is_told_once_within_its_cool_down() {
    let (mut stage, endpoint) = (Stage::new(), Endpoint::with(&[]).await);
    let mut ops = destination("ops", &endpoint);
    ops.cool_down_seconds = 60;
    ops.deduplication_key = vec![Placed {
        value: "sensor".into(),
        origin: ops.origin.clone(),
    }];
    let mut delivery = stage.delivery(vec![ops.clone()]).await;
    stage.append(&[1, 2, 3, 4]).await;
    delivery.drain(LONG).await;
    stage.append(&[5]).await;
    delivery.drain(LONG).await;
    assert_eq!(endpoint.ids(), [vec![1, 2]]);
    stage.world.now_us.store(61_000_000, Ordering::SeqCst);
    let mut restarted = stage.delivery(vec![ops]).await;
    stage.append(&[7]).await;
    restarted.drain(LONG).await;
    assert_eq!(endpoint.ids().last(), Some(&vec![7]));
}

#[tokio::test]
async fn a_key_of_a_column_that_is_not_there_sends_nothing_and_loses_nothing() {
    let (mut stage, endpoint) = (Stage::new(), Endpoint::with(&[]).await);
    let mut ops = destination("ops", &endpoint);
    ops.deduplication_key = vec![Placed {
        value: "colour".into(),
        origin: ops.origin.clone(),
    }];
    let mut delivery = stage.delivery(vec![ops]).await;
    stage.append(&[1]).await;
    let mut heard = vec![];
    while heard.is_empty() {
        assert_eq!(delivery.drain(Duration::from_millis(5)).await, 1);
        heard = stage.heard();
    }
    assert_eq!(heard, ["ops DESTINATION_COLUMN_NOT_FOUND"]);
    let mut mended = stage.delivery(vec![destination("ops", &endpoint)]).await;
    mended.drain(LONG).await;
    assert_eq!(endpoint.ids(), [vec![1]]);
}

#[tokio::test]
async fn rows_that_replace_others_are_not_told_and_that_is_said() {
    let (mut stage, endpoint) = (Stage::new(), Endpoint::with(&[]).await);
    let mut delivery = stage.delivery(vec![destination("ops", &endpoint)]).await;
    stage.append(&[1]).await;
    stage.commit(&[2], Removes::All).await;
    stage.append(&[3]).await;
    delivery.drain(LONG).await;
    assert_eq!(endpoint.ids(), [vec![1], vec![3]]);
    let heard = ["ops took 1", "ops DELIVERY_ROWS_REPLACED", "ops took 1"];
    assert_eq!(stage.heard(), heard);
}

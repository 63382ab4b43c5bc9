//! A Kinesis in this process: the real protocol on a loopback port, streams in memory, gone when it is stopped. `sluice
//! dev` reads from it instead of from AWS, and so do `.test` files. Must not know of projects or of the simulator.
//!
//! Whoever needs streams in a test starts one, makes its streams, and hands [`EmbeddedKinesis::endpoint`] to whatever
//! talks to Kinesis, with any credentials; [`EmbeddedKinesis::call`] does every other operation of the API (`SplitShard`,
//! `MergeShards`, `DeleteStream`, `PutRecord`…) and waits until it has taken effect.

use std::fmt;
use std::io;
use std::time::Duration;

use ferrokinesis::actions::{Operation, dispatch};
use ferrokinesis::store::{Store, StoreOptions};
use ferrokinesis::types::StreamStatus;
use ferrokinesis::{create_app, serve_plain_http};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The region that its streams lie in.
pub const REGION: &str = "us-east-1";
/// The account that its streams belong to.
pub const ACCOUNT: &str = "000000000000";
/// Open shards that it holds at most, over all streams.
const SHARDS_MAX: u32 = 10_000;
/// How often records beyond their retention are let go.
const RETENTION_CHECK_SECONDS: u64 = 60;
/// How long open connections may take to end.
const STOP_WAIT: Duration = Duration::from_millis(500);
/// Between two looks at whether an operation has taken effect.
const EFFECT_WAIT: Duration = Duration::from_millis(1);

/// A running Kinesis. It ends when it is stopped or dropped.
pub struct EmbeddedKinesis {
    endpoint: String,
    store: Store,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<io::Result<()>>,
}

impl fmt::Debug for EmbeddedKinesis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedKinesis")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl EmbeddedKinesis {
    /// Starts one without streams on a free port of this machine. Operations take effect at once.
    ///
    /// # Errors
    /// The system gives no port.
    pub async fn start() -> io::Result<Self> {
        Self::start_at(0).await
    }

    /// As [`EmbeddedKinesis::start`], on a port of one's choice; 0 is a free one.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn start_at(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let (app, store) = create_app(StoreOptions {
            create_stream_ms: 0,
            delete_stream_ms: 0,
            update_stream_ms: 0,
            shard_limit: SHARDS_MAX,
            retention_check_interval_secs: RETENTION_CHECK_SECONDS,
            aws_account_id: ACCOUNT.to_owned(),
            aws_region: REGION.to_owned(),
            ..StoreOptions::default()
        });
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(serve_plain_http(listener, app, async {
            let _ = stopped.await;
        }));
        Ok(Self {
            endpoint,
            store,
            stop: Some(stop),
            server,
        })
    }

    /// Where it listens, as in `http://127.0.0.1:4567`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What it holds, for whoever decides when records arrive and how old a stream is.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Makes a stream and waits until it is active.
    ///
    /// # Errors
    /// There is one of that name, in the service's words.
    pub async fn create_stream(&self, name: &str, shards: u32) -> Result<(), String> {
        let request = json!({ "StreamName": name, "ShardCount": shards });
        self.call("CreateStream", request).await.map(drop)
    }

    /// Whether there is a stream of this name.
    pub async fn has_stream(&self, name: &str) -> bool {
        self.store.contains_stream(name).await
    }

    /// Does an operation of the API, as in `SplitShard`, with its request as the API has it, and waits until the stream
    /// it names has settled. Gives the answer; null where there is none. What the API would refuse as malformed is not checked.
    ///
    /// # Errors
    /// There is no such operation, or it failed: the service's words.
    pub async fn call(&self, operation: &str, request: Value) -> Result<Value, String> {
        let known: Operation = operation
            .parse()
            .map_err(|()| format!("Kinesis has no operation `{operation}`"))?;
        let stream = self.store.resolve_stream_name(&request);
        let answer = dispatch(&self.store, known, request).await;
        let answer = answer.map_err(|error| match error.body.message {
            Some(message) => format!("{}: {message}", error.body.error_type),
            None => error.body.error_type,
        })?;
        if let Ok(stream) = stream {
            self.settled(&stream).await;
        }
        Ok(answer.unwrap_or(Value::Null))
    }

    /// Waits while a stream is being made, changed or deleted: that happens in the background.
    async fn settled(&self, stream: &str) {
        while let Ok(found) = self.store.get_stream(stream).await {
            if found.stream_status == StreamStatus::Active {
                return;
            }
            tokio::time::sleep(EFFECT_WAIT).await;
        }
    }

    /// Stops it. What it held is gone.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let _ = tokio::time::timeout(STOP_WAIT, &mut self.server).await;
    }
}

impl Drop for EmbeddedKinesis {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn streams_are_active_when_they_are_made_and_changed() {
        let kinesis = EmbeddedKinesis::start().await.unwrap();
        kinesis.create_stream("readings", 1).await.unwrap();
        assert!(kinesis.has_stream("readings").await);
        let again = kinesis.create_stream("readings", 1).await.unwrap_err();
        assert!(again.starts_with("ResourceInUseException"), "{again}");
        let split = json!({
            "StreamName": "readings",
            "ShardToSplit": "shardId-000000000000",
            "NewStartingHashKey": "170141183460469231731687303715884105728",
        });
        kinesis.call("SplitShard", split).await.unwrap();
        let shards = json!({ "StreamName": "readings" });
        let shards = kinesis.call("ListShards", shards).await.unwrap();
        assert_eq!(shards["Shards"].as_array().map(Vec::len), Some(3));
        let gone = json!({ "StreamName": "readings" });
        kinesis.call("DeleteStream", gone).await.unwrap();
        assert!(!kinesis.has_stream("readings").await);
        assert!(kinesis.call("Sing", Value::Null).await.is_err());
        kinesis.stop().await;
    }

    #[tokio::test]
    async fn it_listens_while_it_lives() {
        let kinesis = EmbeddedKinesis::start().await.unwrap();
        let address = kinesis
            .endpoint()
            .strip_prefix("http://")
            .unwrap()
            .to_owned();
        assert!(tokio::net::TcpStream::connect(&address).await.is_ok());
        kinesis.stop().await;
        assert!(tokio::net::TcpStream::connect(&address).await.is_err());
    }
}

//! What stands between the engines of a test and its Kinesis, over the real protocol: calls go through, or meet what the
//! test says that they meet. Must not know what a call means.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::failure::Trouble;

/// What meets a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mishap {
    /// Called too often.
    Throttled,
    /// The position is too old.
    Expired,
    /// The service fails, and nothing was done.
    Failing,
    /// It was done, and the connection ends without an answer.
    Lost,
    /// It was done, and the answer breaks off in the middle.
    Torn,
    /// No answer comes.
    Silent,
    /// The identity has no right to do it.
    Denied,
    /// The keys are of nobody.
    Unknown,
    /// The signature is of another time.
    Skewed,
}

/// The mishaps by name.
const MISHAPS: [(&str, Mishap); 9] = [
    ("throttled", Mishap::Throttled),
    ("expired", Mishap::Expired),
    ("failing", Mishap::Failing),
    ("lost", Mishap::Lost),
    ("torn", Mishap::Torn),
    ("silent", Mishap::Silent),
    ("denied", Mishap::Denied),
    ("unknown", Mishap::Unknown),
    ("skewed", Mishap::Skewed),
];

impl Mishap {
    /// The answer in the place of the service's, where there is one: status, type and message.
    fn answer(self, operation: &str) -> Option<(u16, &'static str, String)> {
        Some(match self {
            Self::Throttled => (
                400,
                "ProvisionedThroughputExceededException",
                "Rate exceeded".into(),
            ),
            Self::Expired => (400, "ExpiredIteratorException", "Iterator expired.".into()),
            Self::Failing => (500, "InternalFailure", "The service failed.".into()),
            Self::Denied => (
                400,
                "AccessDeniedException",
                format!("User: tester is not authorized to perform: kinesis:{operation}"),
            ),
            Self::Unknown => (
                400,
                "UnrecognizedClientException",
                "The security token included in the request is invalid.".into(),
            ),
            Self::Skewed => (
                400,
                "InvalidSignatureException",
                "Signature expired: 20260101T000000Z is now earlier than 20260101T000500Z".into(),
            ),
            Self::Lost | Self::Torn | Self::Silent => return None,
        })
    }
}

/// So many calls of an operation meet something.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    operation: String,
    pub(super) mishap: Mishap,
    times: u64,
}

impl Rule {
    /// `GetRecords throttled 3`; `*` are all operations, `always` is as often as it is called.
    pub(super) fn parse(text: &str) -> Result<Self, Trouble> {
        let wrong = || {
            let names: Vec<&str> = MISHAPS.iter().map(|(name, _)| *name).collect();
            Trouble::misspelled(
                format!("`{text}` does not say what happens to which calls"),
                format!(
                    "write `--- disturb kinesis GetRecords throttled 3`; a call is one of {}, so often, or always, or of any operation: *",
                    names.join(", ")
                ),
            )
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        let [operation, mishap, times] = words.as_slice() else {
            return Err(wrong());
        };
        let known = MISHAPS.iter().find(|(name, _)| name == mishap);
        Ok(Self {
            operation: (*operation).to_owned(),
            mishap: known.ok_or_else(wrong)?.1,
            times: match *times {
                "always" => u64::MAX,
                number => number.parse().map_err(|_| wrong())?,
            },
        })
    }
}

/// The way to a Kinesis, until it is dropped.
#[derive(Debug)]
pub(super) struct Interference {
    endpoint: String,
    rules: Arc<Mutex<Vec<Rule>>>,
    serving: JoinHandle<()>,
}

impl Interference {
    /// Opens a way that nothing happens on.
    pub(super) async fn before(endpoint: &str) -> std::io::Result<Self> {
        let address = endpoint.trim_start_matches("http://");
        let upstream: SocketAddr = address.parse().map_err(std::io::Error::other)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let rules = Arc::<Mutex<Vec<Rule>>>::default();
        let for_calls = Arc::clone(&rules);
        let serving = tokio::spawn(async move {
            // They end with it.
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let rules = Arc::clone(&for_calls);
                connections.spawn(async move {
                    let _ = Box::pin(attend(socket, upstream, &rules)).await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self {
            endpoint,
            rules,
            serving,
        })
    }

    /// Where it begins.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A rule from now on, in the place of those before for the same operation.
    pub(super) fn set(&self, rule: Rule) {
        let mut rules = held(&self.rules);
        rules.retain(|other| other.operation != rule.operation && rule.operation != "*");
        rules.push(rule);
    }
}

impl Drop for Interference {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn met(rules: &Mutex<Vec<Rule>>, operation: &str) -> Option<Mishap> {
    let mut rules = held(rules);
    let rule = rules
        .iter_mut()
        .find(|rule| rule.times > 0 && (rule.operation == operation || rule.operation == "*"))?;
    if rule.times != u64::MAX {
        rule.times -= 1;
    }
    Some(rule.mishap)
}

/// Serves the calls of one connection.
async fn attend(
    mut client: TcpStream,
    upstream: SocketAddr,
    rules: &Mutex<Vec<Rule>>,
) -> std::io::Result<()> {
    let mut service = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    service.set_nodelay(true)?;
    while let Some(request) = Message::read(&mut client).await? {
        let operation = request.operation();
        let mishap = met(rules, &operation);
        if mishap == Some(Mishap::Silent) {
            // Until the client gives up.
            let _ = client.read(&mut [0; 1]).await;
            return Ok(());
        }
        if let Some((status, kind, message)) = mishap.and_then(|met| met.answer(&operation)) {
            let body = json!({ "__type": kind, "message": message }).to_string();
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status} Told\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            client.write_all(answer.as_bytes()).await?;
            continue;
        }
        service.write_all(&request.bytes).await?;
        if operation == "SubscribeToShard" {
            // Records are pushed until one of the two ends it.
            copy_bidirectional(&mut client, &mut service).await?;
            return Ok(());
        }
        let Some(answer) = Message::read(&mut service).await? else {
            return Ok(());
        };
        match mishap {
            Some(Mishap::Lost) => return Ok(()),
            Some(Mishap::Torn) => {
                let end = answer.head + (answer.bytes.len() - answer.head) / 2;
                return client.write_all(&answer.bytes[..end]).await;
            }
            _ => client.write_all(&answer.bytes).await?,
        }
    }
    Ok(())
}

/// A request or an answer, whole.
struct Message {
    bytes: Vec<u8>,
    /// Bytes before the body.
    head: usize,
}

impl Message {
    /// The next one of a connection; `None` when it has ended. Its length is told: nothing comes in chunks here.
    async fn read(socket: &mut TcpStream) -> std::io::Result<Option<Self>> {
        let mut bytes = vec![];
        let mut end = None;
        loop {
            if end.is_none()
                && let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n")
            {
                let length = header(&bytes[..at], "content-length");
                end = Some((
                    at + 4,
                    length.and_then(|text| text.parse().ok()).unwrap_or(0),
                ));
            }
            if let Some((head, body)) = end
                && bytes.len() >= head + body
            {
                return Ok(Some(Self { bytes, head }));
            }
            if socket.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// The operation that a request names.
    fn operation(&self) -> String {
        let target = header(&self.bytes[..self.head], "x-amz-target").unwrap_or_default();
        target.rsplit('.').next().unwrap_or_default().to_owned()
    }
}

fn header(head: &[u8], name: &str) -> Option<String> {
    let head = String::from_utf8_lossy(head);
    let mut pairs = head.lines().filter_map(|line| line.split_once(':'));
    let found = pairs.find(|(found, _)| found.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim().to_owned())
}

/// Whoever panicked under the lock has ended the test already.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

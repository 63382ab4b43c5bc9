//! A real S3 server for tests (`s3s-fs` over HTTP, objects as files of a folder), behind a proxy that sees each request
//! and may spoil it. Must not know the engine.
//!
//! The server looks whether an object exists and puts it later, so two conditional puts at once could both succeed: the
//! proxy lets one through at a time.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Credentials that the server takes.
pub(crate) const ACCESS_KEY: &str = "tester";
pub(crate) const SECRET_KEY: &str = "tester-secret";

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 500, and nothing was done.
    ErrorBefore,
    /// 500, and it was done.
    ErrorAfter,
    /// It was done, and the connection ends without an answer.
    DroppedAfter,
    /// It was done, and no answer comes.
    Silent,
    /// It was done, and the answer breaks off in the middle.
    Truncated,
    /// It is done, and takes this long.
    Delayed(Duration),
    /// 503 `SlowDown`.
    SlowDown,
    /// 409, as of two conditional requests under way.
    Conflict,
    /// 412 although nothing is there that it could mean.
    Precondition,
    /// 403 `AccessDenied`.
    Denied,
    /// 403 `InvalidAccessKeyId`.
    Unknown,
    /// 403 `RequestTimeTooSkewed`.
    Skewed,
    /// 404 `NoSuchBucket`.
    NoBucket,
    /// 400, as of a bucket of another region.
    WrongRegion,
    /// A conditional put finds nothing, whatever is there.
    Unconditional,
}

impl Fault {
    /// What may befall any request of a run.
    pub(crate) const OF_THE_MOMENT: [Self; 9] = [
        Self::ErrorBefore,
        Self::ErrorAfter,
        Self::DroppedAfter,
        Self::Silent,
        Self::Truncated,
        Self::SlowDown,
        Self::Conflict,
        Self::Precondition,
        Self::Delayed(Duration::from_millis(50)),
    ];

    /// The answer in the place of the server's.
    fn answer(self) -> Option<Vec<u8>> {
        let (status, code, more) = match self {
            Self::ErrorBefore | Self::ErrorAfter => {
                ("500 Internal Server Error", "InternalError", "")
            }
            Self::SlowDown => ("503 Service Unavailable", "SlowDown", ""),
            Self::Conflict => ("409 Conflict", "ConditionalRequestConflict", ""),
            Self::Precondition => ("412 Precondition Failed", "PreconditionFailed", ""),
            Self::NoBucket => ("404 Not Found", "NoSuchBucket", ""),
            Self::Denied => ("403 Forbidden", "AccessDenied", ""),
            Self::Unknown => ("403 Forbidden", "InvalidAccessKeyId", ""),
            Self::Skewed => ("403 Forbidden", "RequestTimeTooSkewed", ""),
            Self::WrongRegion => (
                "400 Bad Request",
                "AuthorizationHeaderMalformed",
                "<Region>eu-central-1</Region>",
            ),
            Self::DroppedAfter
            | Self::Silent
            | Self::Truncated
            | Self::Delayed(_)
            | Self::Unconditional => return None,
        };
        let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code>{more}</Error>");
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/xml\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        Some(answer.into_bytes())
    }

    fn is_done_first(self) -> bool {
        matches!(
            self,
            Self::ErrorAfter
                | Self::DroppedAfter
                | Self::Silent
                | Self::Truncated
                | Self::Delayed(_)
                | Self::Unconditional
        )
    }
}

/// A request as the proxy sees it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// `GET`, `PUT`, …
    pub(crate) method: String,
    /// Path and query.
    target: String,
    head: String,
    body: Vec<u8>,
}

impl Request {
    /// Whether it reads an object.
    pub(crate) fn is_get_of(&self, path: &str) -> bool {
        self.method == "GET" && self.target.split('?').next() == Some(path)
    }

    /// Whether it is done only if an object is there, or is not, or has not changed.
    pub(crate) fn is_conditional(&self) -> bool {
        let head = self.head.to_lowercase();
        head.contains("\nif-none-match:") || head.contains("\nif-match:")
    }
}

type Judge = Arc<dyn Fn(usize, &Request) -> Option<Fault> + Send + Sync>;

/// A server with its proxy, until it is dropped.
pub(crate) struct Server {
    folder: tempfile::TempDir,
    /// Where the proxy listens.
    pub(crate) endpoint: String,
    desk: Arc<Desk>,
    _end: tokio::sync::oneshot::Sender<()>,
}

struct Desk {
    root: PathBuf,
    upstream: std::net::SocketAddr,
    seen: AtomicUsize,
    judge: Mutex<Judge>,
    one_at_a_time: tokio::sync::Mutex<()>,
}

impl Server {
    /// Starts one with empty buckets.
    pub(crate) fn start(buckets: &[&str]) -> Result<Self, String> {
        let said = |error: std::io::Error| error.to_string();
        let folder = tempfile::tempdir().map_err(said)?;
        for bucket in buckets {
            std::fs::create_dir_all(folder.path().join(bucket)).map_err(said)?;
        }
        let (end, ended) = tokio::sync::oneshot::channel();
        let (ready, started) = std::sync::mpsc::channel();
        let root = folder.path().to_owned();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async move {
                let begun = begin(&root).await;
                let _ = ready.send(begun);
                let _ = ended.await;
            });
        });
        let begun = started.recv().map_err(|error| error.to_string())?;
        let (port, desk) = begun?;
        Ok(Self {
            folder,
            endpoint: format!("http://127.0.0.1:{port}"),
            desk,
            _end: end,
        })
    }

    /// The folder that holds the objects of a bucket.
    pub(crate) fn bucket(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts an object as its owner would.
    pub(crate) fn put(&self, bucket: &str, key: &str, text: &str) -> Result<(), String> {
        let place = self.bucket(bucket).join(key);
        let said = |error: std::io::Error| error.to_string();
        std::fs::create_dir_all(place.parent().unwrap_or(Path::new("/"))).map_err(said)?;
        std::fs::write(place, text).map_err(said)
    }

    /// Decides from now on what becomes of requests, which are counted from 0 again.
    pub(crate) fn judge(
        &self,
        judge: impl Fn(usize, &Request) -> Option<Fault> + Send + Sync + 'static,
    ) {
        *self
            .desk
            .judge
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(judge);
        self.desk.seen.store(0, Ordering::SeqCst);
    }

    /// Lets everything through.
    pub(crate) fn relent(&self) {
        self.judge(|_, _| None);
    }

    /// Requests since the last [`Server::judge`].
    pub(crate) fn seen(&self) -> usize {
        self.desk.seen.load(Ordering::SeqCst)
    }
}

async fn begin(root: &Path) -> Result<(u16, Arc<Desk>), String> {
    let files = s3s_fs::FileSystem::new(root).map_err(|error| format!("{error:?}"))?;
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
    let service = builder.build();
    let said = |error: std::io::Error| error.to_string();
    let behind = TcpListener::bind("127.0.0.1:0").await.map_err(said)?;
    let front = TcpListener::bind("127.0.0.1:0").await.map_err(said)?;
    let port = front.local_addr().map_err(said)?.port();
    let desk = Arc::new(Desk {
        root: root.to_owned(),
        upstream: behind.local_addr().map_err(said)?,
        seen: AtomicUsize::new(0),
        judge: Mutex::new(Arc::new(|_, _| None)),
        one_at_a_time: tokio::sync::Mutex::new(()),
    });
    tokio::spawn(async move {
        while let Ok((socket, _)) = behind.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let connection = Builder::new(TokioExecutor::new());
                let served = connection.serve_connection(TokioIo::new(socket), service);
                let _ = served.await;
            });
        }
    });
    let for_proxy = Arc::clone(&desk);
    tokio::spawn(async move {
        while let Ok((socket, _)) = front.accept().await {
            let desk = Arc::clone(&for_proxy);
            tokio::spawn(async move {
                let _ = Box::pin(attend(socket, &desk)).await;
            });
        }
    });
    Ok((port, desk))
}

/// Serves the one request of a connection.
async fn attend(mut socket: TcpStream, desk: &Desk) -> std::io::Result<()> {
    let Some(request) = Box::pin(read(&mut socket)).await? else {
        return Ok(());
    };
    let number = desk.seen.fetch_add(1, Ordering::SeqCst);
    let judge = Arc::clone(&desk.judge.lock().unwrap_or_else(PoisonError::into_inner));
    let Some(fault) = judge(number, &request) else {
        let answer = Box::pin(forward(&request, desk)).await?;
        return socket.write_all(&answer).await;
    };
    if let Fault::Delayed(time) = fault {
        tokio::time::sleep(time).await;
    }
    if fault == Fault::Unconditional {
        let place = request.target.split('?').next().unwrap_or_default();
        let _ = std::fs::remove_file(desk.root.join(place.trim_start_matches('/')));
    }
    let done = if fault.is_done_first() {
        forward(&request, desk).await?
    } else {
        vec![]
    };
    match fault {
        Fault::Unconditional | Fault::Delayed(_) => socket.write_all(&done).await,
        Fault::Truncated => {
            let body = done
                .windows(4)
                .position(|four| four == b"\r\n\r\n")
                .map_or(0, |at| at + 4);
            let half = body + (done.len() - body) / 2;
            // An answer without a body breaks off in its head.
            let end = if half == body { body / 2 } else { half };
            socket.write_all(&done[..end]).await
        }
        Fault::Silent => {
            // Until the client gives up.
            let mut rest = [0; 1];
            let _ = socket.read(&mut rest).await;
            Ok(())
        }
        _ => match fault.answer() {
            Some(answer) => socket.write_all(&answer).await,
            None => Ok(()),
        },
    }
}

async fn read(socket: &mut TcpStream) -> std::io::Result<Option<Request>> {
    let mut bytes = vec![];
    let mut piece = [0; 16 * 1024];
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        let read = socket.read(&mut piece).await?;
        if read == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&piece[..read]);
    };
    let mut body = bytes.split_off(head_end);
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let length = header(&head, "content-length")
        .and_then(|text| text.parse::<usize>().ok())
        .unwrap_or(0);
    while body.len() < length {
        let read = socket.read(&mut piece).await?;
        if read == 0 {
            return Ok(None);
        }
        body.extend_from_slice(&piece[..read]);
    }
    let mut words = head.split_whitespace();
    Ok(Some(Request {
        method: words.next().unwrap_or_default().to_owned(),
        target: words.next().unwrap_or_default().to_owned(),
        head,
        body,
    }))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// Sends a request on, over a connection of its own, and gives the whole answer.
async fn forward(request: &Request, desk: &Desk) -> std::io::Result<Vec<u8>> {
    let _turn = if request.method == "PUT" && request.is_conditional() {
        Some(desk.one_at_a_time.lock().await)
    } else {
        None
    };
    let mut head = String::new();
    for line in request.head.trim_end().lines() {
        if line.to_lowercase().starts_with("connection:") {
            continue;
        }
        head.push_str(line);
        head.push_str("\r\n");
    }
    head.push_str("connection: close\r\n\r\n");
    let mut upstream = TcpStream::connect(desk.upstream).await?;
    upstream.write_all(head.as_bytes()).await?;
    upstream.write_all(&request.body).await?;
    let mut answer = vec![];
    upstream.read_to_end(&mut answer).await?;
    Ok(answer)
}

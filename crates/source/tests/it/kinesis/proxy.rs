//! A way to the server that misbehaves as told: it throttles, fails, and loses answers after their effect.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// An error of the service: HTTP status and name.
    Error(u16, &'static str),
    /// The connection ends before the call arrives.
    Drop,
    /// The call arrives; its answer is lost.
    LoseAnswer,
    /// Nothing comes back, and the connection stays open.
    Hang,
}

/// Chooses the fault of a call by its action (`GetRecords`).
pub(super) type Choose = Arc<dyn Fn(&str) -> Fault + Send + Sync>;

/// Listens; every call passes `choose`.
pub(super) async fn start(server: SocketAddr, choose: Choose) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let choose = Arc::clone(&choose);
            tokio::spawn(async move {
                // A connection that ends is a connection that ends.
                let _ = pass(client, server, choose).await;
            });
        }
    });
    address
}

async fn pass(mut client: TcpStream, server: SocketAddr, choose: Choose) -> std::io::Result<()> {
    while let Some((head, body)) = message(&mut client).await? {
        let action = header(&head, "x-amz-target")
            .and_then(|target| target.rsplit_once('.').map(|(_, action)| action.to_owned()))
            .unwrap_or_default();
        let fault = choose(&action);
        match fault {
            Fault::Drop => return Ok(()),
            Fault::Hang => std::future::pending().await,
            Fault::None | Fault::Error(..) | Fault::LoseAnswer => {}
        }
        if let Fault::Error(status, name) = fault {
            let text = format!("{{\"__type\":\"{name}\",\"message\":\"as told\"}}");
            let answer = format!(
                "HTTP/1.1 {status} Told\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\r\n{text}",
                text.len()
            );
            client.write_all(answer.as_bytes()).await?;
            continue;
        }
        let mut upstream = TcpStream::connect(server).await?;
        upstream.write_all(head.as_bytes()).await?;
        upstream.write_all(&body).await?;
        if action == "SubscribeToShard" {
            tokio::io::copy(&mut upstream, &mut client).await?;
            return Ok(());
        }
        let answer = message(&mut upstream).await?;
        let (Some((head, body)), Fault::None) = (answer, fault) else {
            return Ok(());
        };
        client.write_all(head.as_bytes()).await?;
        client.write_all(&body).await?;
    }
    Ok(())
}

/// One message of HTTP/1.1: head, with the empty line, and body.
async fn message(stream: &mut TcpStream) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = vec![];
    let mut piece = [0; 16_384];
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&piece[..read]);
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = header(&head, "content-length").map_or(0, |text| text.parse().unwrap());
    while bytes.len() < end + length {
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&piece[..read]);
    }
    Ok(Some((head, bytes.split_off(end))))
}

fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name)
            .then(|| value.trim().to_owned())
    })
}

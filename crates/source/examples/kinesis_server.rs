//! A Kinesis in a process of its own, for what is tested and measured from outside: `kinesis_server PORT`. Streams live in
//! memory, changes of them take no time. Must not know of the engine.

use std::env;
use std::error::Error;
use std::io;

use ferrokinesis::store::StoreOptions;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = env::args()
        .nth(1)
        .ok_or("usage: kinesis_server PORT")?
        .parse()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let (app, _store) = ferrokinesis::create_app(StoreOptions {
        create_stream_ms: 0,
        delete_stream_ms: 0,
        update_stream_ms: 0,
        shard_limit: 1000,
        ..StoreOptions::default()
    });
    let served: io::Result<()> =
        ferrokinesis::serve_plain_http(listener, app, std::future::pending()).await;
    Ok(served?)
}

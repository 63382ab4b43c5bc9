//! The S3 server of the tests as a process of its own, for suites that kill the engine: objects in a folder, faults drawn
//! from a seed between them and whoever asks. Must not know the engine.
//!
//! usage: `s3_server SEED PERCENT BUCKET...`; PERCENT of the requests are spoiled. It says where it listens and where its
//! objects lie, as JSON in one line, and then serves until its standard input ends.

#[path = "../dice.rs"]
mod dice;
#[expect(dead_code, reason = "the test binary uses the rest")]
mod server;

use std::io::{Read, Write};
use std::time::Duration;

use dice::Dice;
use server::{Fault, Request, Server};

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [seed, percent, buckets @ ..] = arguments.as_slice() else {
        return Err("usage: s3_server SEED PERCENT BUCKET...".into());
    };
    let seed: u64 = seed.parse().map_err(|_| "the seed is no number")?;
    let percent: f64 = percent.parse().map_err(|_| "the percentage is no number")?;
    let names: Vec<&str> = buckets.iter().map(String::as_str).collect();
    let server = Server::start(&names)?;
    let dice = Dice::new(seed);
    server.judge(move |_, request| fault(&dice, request, percent));
    let folder = server.bucket("").display().to_string();
    let said = serde_json::json!({ "endpoint": server.endpoint, "folder": folder }).to_string();
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{said}").and_then(|()| out.flush());
    written.map_err(|error| error.to_string())?;
    // Whoever started it holds the other end: it does not outlive them, and takes its objects along.
    let mut rest = vec![];
    let _ = std::io::stdin().read_to_end(&mut rest);
    Ok(())
}

fn fault(dice: &Dice, request: &Request, percent: f64) -> Option<Fault> {
    if !dice.percent(percent) {
        return None;
    }
    Some(match dice.below(16) {
        0..=2 => Fault::SlowDown,
        3..=4 => Fault::ErrorBefore,
        5..=7 => Fault::ErrorAfter,
        8..=10 => Fault::DroppedAfter,
        11 => Fault::Truncated,
        12 => Fault::Silent,
        13 if request.is_conditional() => Fault::Conflict,
        _ => Fault::Delayed(Duration::from_millis(dice.below(500))),
    })
}

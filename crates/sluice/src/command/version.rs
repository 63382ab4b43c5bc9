//! `sluice version`.

use serde_json::json;

use crate::exit::Exit;
use crate::render::Screen;

/// Prints the version.
pub(crate) fn run(screen: &Screen) -> Exit {
    let version = env!("CARGO_PKG_VERSION");
    if screen.is_json {
        screen.object(&json!({ "name": "sluice", "version": version }));
    } else {
        screen.line(&format!("sluice {version}"));
    }
    Exit::Success
}

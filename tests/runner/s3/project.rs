//! A project whose warehouse is on a test server, run by the real program. Must not know what is asserted.

use std::path::Path;
use std::process::{Command, Output};

use super::server::{ACCESS_KEY, SECRET_KEY, Server};

/// A project in a folder of its own.
pub(crate) struct Project {
    folder: tempfile::TempDir,
    secret: String,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// The result of a command that must have done what it was asked.
    pub(crate) fn done(self) -> Result<String, String> {
        if self.code == Some(0) {
            return Ok(self.out);
        }
        Err(format!(
            "exit code {:?}\n{}\n{}",
            self.code, self.out, self.err
        ))
    }

    /// Checks that it was refused with a condition.
    pub(crate) fn refused(&self, code: i32, condition: &str) -> Result<(), String> {
        if self.code == Some(code) && self.err.contains(&format!("[{condition}]")) {
            return Ok(());
        }
        Err(format!(
            "expected {condition} and exit code {code}: {self:?}"
        ))
    }
}

impl Project {
    /// Writes a project with this SQL, its warehouse at a URL of the server.
    pub(crate) fn new(server: &Server, warehouse: &str, sql: &str) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let project = Self {
            folder,
            secret: SECRET_KEY.to_owned(),
        };
        project.write(
            "spark-pipeline.yml",
            "name: plant\nlibraries: [{glob: {include: transformations/**}}]\n",
        )?;
        project.write("transformations/plant.sql", sql)?;
        let settings = format!(
            "warehouse: {warehouse}\ns3:\n  endpoint: {}\n  region: us-east-1\n  request_timeout_seconds: 1\n",
            server.endpoint
        );
        project.write("sluice.yml", &settings)?;
        Ok(project)
    }

    /// Uses another secret from now on.
    pub(crate) fn set_secret(&mut self, secret: &str) {
        secret.clone_into(&mut self.secret);
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, path: &str, text: &str) -> Result<(), String> {
        let place = self.folder.path().join(path);
        let said = |error: std::io::Error| error.to_string();
        std::fs::create_dir_all(place.parent().unwrap_or(Path::new("/"))).map_err(said)?;
        std::fs::write(place, text).map_err(said)
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs the program with arguments, in the folder.
    pub(crate) fn sluice(&self, arguments: &[&str]) -> Result<Ended, String> {
        let output = self.command(arguments).output();
        Ok(Ended::of(&output.map_err(|error| error.to_string())?))
    }

    /// The program with arguments, to be run in the folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sluice"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", &self.secret)
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    /// The answer of a query, as CSV without its header.
    pub(crate) fn query(&self, sql: &str) -> Result<String, String> {
        let answer = self.sluice(&["sql", "-q", sql])?.done()?;
        let rows = answer.split_once('\n').map_or("", |(_, rows)| rows);
        Ok(rows.trim_end().replace('\r', "").clone())
    }
}

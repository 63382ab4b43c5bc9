//! The program runs a continuous update on S3 while the service is in trouble that lasts: it says which, and goes on by itself
//! when it is over.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};

use super::project::Project;
use super::server::{Fault, Server};
use super::{Outcome, PLANT};

/// Until what must come has come. Nothing waits this long but a test that fails.
const LONGEST: Duration = Duration::from_mins(2);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);

/// One trial for each trouble, before the update has begun and while it runs.
pub(super) fn trials() -> Vec<Trial> {
    let troubles = [
        (Fault::Denied, "[S3_ACCESS_DENIED]"),
        (Fault::Skewed, "[CLOCK_SKEWED]"),
        (Fault::Unknown, "[S3_CREDENTIALS_REFUSED]"),
    ];
    let told = troubles.into_iter().flat_map(|(fault, condition)| {
        [true, false].map(|first| {
            let when = if first { "before" } else { "after" };
            let name =
                format!("s3: a continuous update outlasts {condition} {when} its first rows");
            Trial::test(name, move || {
                outlasts(fault, condition, first).map_err(Failed::from)
            })
        })
    });
    let silent = Trial::test(
        "s3: a continuous update outlasts an endpoint that hangs",
        || hangs().map_err(Failed::from),
    );
    let unread = Trial::test(
        "s3: a table that may not be read is not called one that was never made",
        || unread().map_err(Failed::from),
    );
    told.chain([silent, unread]).collect()
}

fn outlasts(fault: Fault, condition: &str, first: bool) -> Outcome {
    let server = Server::start(&["lake", "landing"])?;
    let project = Project::new(&server, "s3://lake/wh", PLANT)?;
    server.put("landing", "in/1.json", "{\"id\":1,\"site\":\"a\"}\n")?;
    if first {
        server.judge(move |_, _| Some(fault));
    }
    let _running = Running::begin(&project)?;
    if !first {
        Running::until(&project, "rows came", || has_rows(&project, "1"))?;
        server.judge(move |_, _| Some(fault));
        server.put("landing", "in/2.json", "{\"id\":2,\"site\":\"a\"}\n")?;
    }
    Running::until(&project, condition, || said(&project).contains(condition))?;
    server.relent();
    let expected = if first { "1" } else { "2" };
    Running::until(&project, "all rows came", || has_rows(&project, expected))
}

fn hangs() -> Outcome {
    let server = Server::start(&["lake", "landing"])?;
    let project = Project::new(&server, "s3://lake/wh", PLANT)?;
    server.put("landing", "in/1.json", "{\"id\":1,\"site\":\"a\"}\n")?;
    server.judge(|_, _| Some(Fault::Silent));
    let _running = Running::begin(&project)?;
    Running::until(&project, "it asked again", || server.seen() > 2)?;
    server.relent();
    Running::until(&project, "rows came", || has_rows(&project, "1"))
}

fn unread() -> Outcome {
    let server = Server::start(&["lake", "landing"])?;
    let project = Project::new(&server, "s3://lake/wh", PLANT)?;
    server.put("landing", "in/1.json", "{\"id\":1,\"site\":\"a\"}\n")?;
    project.sluice(&["run"])?.done()?;
    server.judge(|_, request| (request.method == "GET").then_some(Fault::Denied));
    let asked = project.sluice(&["sql", "-q", "SELECT * FROM silver"])?;
    if asked.err.contains("[S3_ACCESS_DENIED]") {
        return Ok(());
    }
    Err(format!("expected S3_ACCESS_DENIED: {asked:?}"))
}

fn has_rows(project: &Project, number: &str) -> bool {
    project
        .query("SELECT count(*) FROM silver")
        .is_ok_and(|found| found == number)
}

fn said(project: &Project) -> String {
    std::fs::read_to_string(project.folder().join("said.txt")).unwrap_or_default()
}

/// A continuous update; it is killed when it is dropped.
struct Running(Child);

impl Running {
    fn begin(project: &Project) -> Result<Self, String> {
        let said = |error: std::io::Error| error.to_string();
        let file = File::create(project.folder().join("said.txt")).map_err(said)?;
        let mut command: Command = project.command(&["run", "--continuous"]);
        let child = command
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .map_err(said)?;
        Ok(Self(child))
    }

    fn until(project: &Project, what: &str, is_so: impl Fn() -> bool) -> Outcome {
        let begun = Instant::now();
        while !is_so() {
            if begun.elapsed() > LONGEST {
                return Err(format!("never: {what}. It said:\n{}", said(project)));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

//! The projects that `sluice init` writes, embedded: each runs as soon as it is written. Must not touch the disk.

/// A project to begin with. In its paths and texts `{{name}}` and `{{catalog}}` stand for what the user chose.
#[derive(Debug)]
pub(crate) struct Template {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// Names under which others know a template of this shape.
    pub(crate) aliases: &'static [&'static str],
    /// What it is, in a few words.
    pub(crate) about: &'static str,
    /// What to type first in its folder.
    pub(crate) begin: &'static str,
    files: &'static [(&'static str, &'static str)],
}

/// Paths of a template with the texts of `templates/<name>/<path>`; `as` gives a path another name in the project.
macro_rules! files {
    ($template:literal, $( $from:literal $( as $path:literal )? ),* $(,)?) => {
        &[$( (
            files!(@path $from $( , $path )?),
            include_str!(concat!("../templates/", $template, "/", $from)),
        ) ),*]
    };
    (@path $from:literal) => { $from };
    (@path $from:literal, $path:literal) => { $path };
}

/// All of them, the default first.
pub(crate) static TEMPLATES: &[Template] = &[
    Template {
        name: "files-medallion",
        aliases: &["lakeflow-pipelines", "default-sql"],
        about: "a bundle: JSON and CSV files to bronze, silver with expectations, gold",
        begin: "sluice run && sluice test",
        files: files!(
            "files-medallion",
            "databricks.yml",
            "resources/etl.pipeline.yml" as "resources/{{name}}_etl.pipeline.yml",
            "src/transformations/bronze_readings.sql"
                as "src/{{name}}_etl/transformations/bronze_readings.sql",
            "src/transformations/devices.sql" as "src/{{name}}_etl/transformations/devices.sql",
            "src/transformations/silver_readings.sql"
                as "src/{{name}}_etl/transformations/silver_readings.sql",
            "src/transformations/gold_hourly.sql"
                as "src/{{name}}_etl/transformations/gold_hourly.sql",
            "tests/silver.test",
            "tests/gold.test",
            "landing/readings/2026-01-01.json",
            "landing/devices/devices.csv",
            "sluice.yml",
            "README.md",
        ),
    },
    Template {
        name: "iot-kinesis",
        aliases: &[],
        about: "a bundle: a Kinesis stream to bronze, silver with expectations, ten-minute gold and alerts",
        begin: "sluice dev",
        files: files!(
            "iot-kinesis",
            "databricks.yml",
            "resources/etl.pipeline.yml" as "resources/{{name}}_etl.pipeline.yml",
            "src/transformations/bronze_readings.sql"
                as "src/{{name}}_etl/transformations/bronze_readings.sql",
            "src/transformations/silver_readings.sql"
                as "src/{{name}}_etl/transformations/silver_readings.sql",
            "src/transformations/gold_10min.sql"
                as "src/{{name}}_etl/transformations/gold_10min.sql",
            "src/transformations/gold_alerts.sql"
                as "src/{{name}}_etl/transformations/gold_alerts.sql",
            "tests/silver.test",
            "tests/gold.test",
            "sluice.yml",
            "README.md",
        ),
    },
    Template {
        name: "minimal",
        aliases: &["default-minimal"],
        about: "a bundle with one streaming table and one materialized view",
        begin: "sluice run && sluice test",
        files: files!(
            "minimal",
            "databricks.yml",
            "transformations/readings.sql",
            "tests/per_device.test",
            "landing/1.json",
            "sluice.yml",
        ),
    },
    Template {
        name: "spark",
        aliases: &["spark-pipelines"],
        about: "a project of Apache Spark Declarative Pipelines",
        begin: "sluice run && sluice test",
        files: files!(
            "spark",
            "spark-pipeline.yml",
            "transformations/numbers.sql",
            "transformations/even_squares.sql",
            "tests/even_squares.test",
        ),
    },
];

impl Template {
    /// The template of a name or alias.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        TEMPLATES
            .iter()
            .find(|template| template.name == name || template.aliases.contains(&name))
    }

    /// Paths and texts, filled in.
    pub(crate) fn files(&self, name: &str, catalog: &str) -> Vec<(String, String)> {
        let fill = |text: &str| {
            text.replace("{{name}}", name)
                .replace("{{catalog}}", catalog)
        };
        let files = self.files.iter();
        files.map(|(path, text)| (fill(path), fill(text))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled() {
        for template in TEMPLATES {
            for (path, text) in template.files("plant", "main") {
                assert!(!path.contains("{{") && !text.contains("{{"), "{path}");
            }
            for name in template.aliases {
                assert_eq!(Template::find(name).unwrap().name, template.name);
            }
        }
        assert!(Template::find("nothing").is_none());
    }
}

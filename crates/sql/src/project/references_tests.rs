//! Cases of references inside a bundle.

use super::*;
use crate::project::yaml::parse;

/// Resolves `under` of the document and renders it as `key=value` pairs and conditions.
fn check(document: &str, expected: &str) {
    let (tree, diagnostics) = parse("f.yml", document);
    let shown: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    assert!(diagnostics.is_empty(), "{shown:?}");
    let tree = tree.unwrap();
    let mut references = References::new(&tree);
    let resolved = references.resolve(tree.get("resources").unwrap());
    let mut shown: Vec<String> = resolved
        .entries()
        .iter()
        .map(|e| format!("{}={}", e.key, show(&e.node)))
        .collect();
    shown.extend(references.diagnostics.iter().map(|d| {
        format!(
            "{} {} {}",
            d.origin().unwrap(),
            d.condition.name,
            d.helps.join("|")
        )
        .trim_end()
        .to_owned()
    }));
    assert_eq!(shown.join("; "), expected, "{document}");
}

fn show(node: &Node) -> String {
    match &node.value {
        Value::Sequence(items) => {
            format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(","))
        }
        Value::Mapping(entries) => entries
            .iter()
            .map(|e| format!("{}:{}", e.key, show(&e.node)))
            .collect::<Vec<_>>()
            .join(","),
        _ => node.scalar().unwrap_or_default(),
    }
}

#[test]
fn references_are_resolved_to_a_fixed_point() {
    check("var: {a: x}\nresources: {k: '${var.a}-${var.a}'}", "k=x-x");
    check(
        "var: {a: '${var.b}', b: '${var.c}', c: deep}\nresources: {k: '${var.a}'}",
        "k=deep",
    );
    check(
        "var: {a: [1, {b: z}]}\nresources: {k: '${var.a[1].b}', l: '${var.a}'}",
        "k=z; l=[1,b:z]",
    );
    check(
        "var: {a: {b: c}, d: '${var.a}'}\nresources: {k: '${var.d.b}'}",
        "k=c",
    );
    check(
        "var: {a: 5, b: true}\nresources: {k: 'n${var.a}${var.b}'}",
        "k=n5true",
    );
    check("var: {a: x}\nresources: {k: '${var.a.value}'}", "k=x");
    check(
        "bundle: {name: n, target: dev}\nresources: {k: '${bundle.name}/${bundle.target}'}",
        "k=n/dev",
    );
    check(
        "resources: {k: 'a ${catalog} ${} ${a b} ${x', l: '$${var'}",
        "k=a ${catalog} ${} ${a b} ${x; l=$${var",
    );
}

#[test]
fn resources_refer_to_each_other() {
    check(
        "resources: {pipelines: {p: {name: n}}, jobs: {j: {pipeline_id: '${resources.pipelines.p.id}', n: '${resources.pipelines.p.name}'}}}",
        "pipelines=p:name:n; jobs=j:pipeline_id:p,n:n",
    );
    check(
        "resources: {pipelines: {p: {name: n}}, j: '${resources.pipelines.q.id}'}",
        "pipelines=p:name:n; j=${resources.pipelines.q.id}; f.yml:1:43 BUNDLE_REFERENCE_NOT_FOUND did you mean `p`?",
    );
}

#[test]
fn what_databricks_computes_is_told_by_the_bundle() {
    let resources = "{schemas: {s: {catalog_name: '${var.c}', name: raw}}, volumes: {v: {catalog_name: '${resources.schemas.s.catalog_name}', schema_name: '${resources.schemas.s.name}', name: landing}, w: {name: x}}, clusters: {k: {}}}";
    let resolve = |field: &str, section: &str| {
        let document = format!(
            "var: {{c: main}}\nresources: {resources}\nmore: {{{section}: {{p: '{field}'}}}}"
        );
        let tree = parse("f.yml", &document).0.unwrap();
        let mut references = References::new(&tree);
        let resolved = references.resolve_resources(tree.get("more").unwrap());
        let found = references.diagnostics.iter();
        let found: Vec<String> = found.map(|d| format!(" {}", d.condition.name)).collect();
        let value = resolved.get(section).and_then(|node| node.get("p"));
        format!("{}{}", show(value.unwrap()), found.concat())
    };
    for (field, expected) in [
        (
            "${resources.volumes.v.volume_path}",
            "/Volumes/main/raw/landing",
        ),
        (
            "x${resources.volumes.v.volume_path}/y",
            "x/Volumes/main/raw/landing/y",
        ),
        ("${resources.volumes.v.id}", "main.raw.landing"),
        ("${resources.schemas.s.id}", "main.raw"),
        ("${resources.schemas.s.full_name}", "main.raw"),
        (
            "${resources.volumes.w.volume_path}",
            "${resources.volumes.w.volume_path} BUNDLE_REFERENCE_NOT_FOUND BUNDLE_REFERENCE_NOT_FOUND",
        ),
        (
            "${resources.clusters.k.id}",
            "${resources.clusters.k.id} BUNDLE_REFERENCE_NOT_FOUND",
        ),
    ] {
        assert_eq!(resolve(field, "pipelines"), expected, "{field}");
    }
    // Of a job nothing is made of it.
    assert_eq!(resolve("${resources.clusters.k.id}", "jobs"), "k");
}

#[test]
fn what_is_missing_is_reported_everywhere() {
    check(
        "var: {catalog: x}\nresources:\n  k: ${var.catalgo}\n  l: a ${var.catalgo}",
        "k=${var.catalgo}; l=a ${var.catalgo}; f.yml:3:6 BUNDLE_REFERENCE_NOT_FOUND did you mean `catalog`?; f.yml:4:6 BUNDLE_REFERENCE_NOT_FOUND did you mean `catalog`?",
    );
    check(
        "var: {a: {b: c}}\nresources:\n  k: x${var.a}",
        "k=x${var.a}; f.yml:3:6 PROJECT_FIELD_TYPE",
    );
    check(
        "resources:\n  k: ${workspace.host}",
        "k=${workspace.host}; f.yml:2:6 BUNDLE_REFERENCE_NOT_FOUND defined are `resources`",
    );
}

#[test]
fn circles_and_growth_end() {
    check(
        "var: {a: '${var.b}', b: '${var.a}'}\nresources:\n  k: ${var.a}",
        "k=${var.a}; f.yml:1:25 BUNDLE_REFERENCE_CYCLE",
    );
    let doubling = (1..40)
        .map(|i| format!("  v{i}: '${{var.v{}}}${{var.v{}}}'\n", i - 1, i - 1))
        .collect::<Vec<_>>()
        .concat();
    let document = format!("var:\n  v0: xxxxxxxx\n{doubling}resources:\n  k: ${{var.v39}}\n");
    let tree = parse("f.yml", &document).0.unwrap();
    let mut references = References::new(&tree);
    references.resolve(tree.get("resources").unwrap());
    assert_eq!(
        references.diagnostics.first().unwrap().condition.name,
        "BUNDLE_REFERENCE_LIMIT"
    );

    let chain = (1..500)
        .map(|i| format!("  v{i}: '${{var.v{}}}'\n", i - 1))
        .collect::<Vec<_>>()
        .concat();
    let document = format!("var:\n  v0: x\n{chain}resources:\n  k: ${{var.v499}}\n");
    let tree = parse("f.yml", &document).0.unwrap();
    let mut references = References::new(&tree);
    references.resolve(tree.get("resources").unwrap());
    assert_eq!(
        references.diagnostics.first().unwrap().condition.name,
        "BUNDLE_REFERENCE_LIMIT"
    );
}

//! Who may depend on whom, read from `cargo metadata`.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The part of `cargo metadata` that the rules need.
#[derive(Deserialize)]
pub(super) struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    workspace_default_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    license: Option<String>,
    description: Option<String>,
    publish: Option<Vec<String>>,
    dependencies: Vec<Dependency>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<NodeDependency>,
}

#[derive(Deserialize)]
struct NodeDependency {
    pkg: String,
    dep_kinds: Vec<NodeKind>,
}

#[derive(Deserialize)]
struct NodeKind {
    kind: Option<String>,
}

/// Each crate and the crates of the house that it may use outside its tests.
const MAY_USE: &[(&str, &[&str])] = &[
    ("capture-model", &[]),
    ("uploader-replay", &["capture-model"]),
    ("local-archive", &["capture-model", "uploader-replay"]),
    ("tile-cover", &["capture-model"]),
    ("coverage-tile", &["capture-model", "tile-cover"]),
    ("polite-http", &[]),
    ("response-store", &["polite-http"]),
    ("mapillary-api", &["capture-model", "tile-cover", "polite-http"]),
    ("image-matcher", &["capture-model"]),
    ("adjustment-audit", &["capture-model"]),
    ("cluster-tracker", &["capture-model", "polite-http"]),
    ("match-report", &["capture-model", "image-matcher", "adjustment-audit"]),
    ("parquet-tables", &["capture-model", "match-report"]),
    ("write-back", &["match-report"]),
    ("synthetic-city", &["capture-model"]),
    ("mapillary-simulator", &["capture-model", "tile-cover", "coverage-tile", "mapillary-api", "synthetic-city"]),
    (
        "match-scores",
        &[
            "capture-model",
            "polite-http",
            "local-archive",
            "mapillary-api",
            "mapillary-simulator",
            "image-matcher",
            "reconcile",
            "synthetic-city",
        ],
    ),
    (
        "reconcile",
        &[
            "capture-model",
            "uploader-replay",
            "local-archive",
            "tile-cover",
            "coverage-tile",
            "polite-http",
            "response-store",
            "mapillary-api",
            "image-matcher",
            "adjustment-audit",
            "cluster-tracker",
            "match-report",
        ],
    ),
];

/// Crates of others that only one crate of the house may know outside its tests.
const ONLY: &[(&str, &[&str])] = &[
    ("reqwest", &["polite-http"]),
    ("rustls", &["polite-http"]),
    ("rusqlite", &["response-store"]),
    ("kamadak-exif", &["local-archive"]),
    ("walkdir", &["local-archive"]),
    ("mvt-reader", &["coverage-tile"]),
    ("rstar", &["image-matcher", "benches"]), // the benches hold the contenders
    ("kiddo", &["benches"]),
    ("parquet", &["parquet-tables"]),
    ("httparse", &["mapillary-simulator"]),
    ("clap", &["tiepoint", "xtask"]),
    ("indicatif", &["tiepoint"]),
    ("anyhow", &["tiepoint", "xtask", "benches"]),
];

/// Crates that must stay free of files, sockets, runtimes and clocks, whatever way they come in.
const PURE: [&str; 5] = ["image-matcher", "adjustment-audit", "uploader-replay", "tile-cover", "coverage-tile"];
const IMPURE: [&str; 7] = ["tokio", "reqwest", "rusqlite", "url", "walkdir", "tempfile", "hyper"];

/// Too heavy for a default build.
const HEAVY: [&str; 6] = ["arrow-array", "parquet", "datafusion", "criterion", "openssl-sys", "aws-lc-sys"];

/// Every broken rule, one line each.
pub(super) fn broken(metadata: &Metadata) -> Vec<String> {
    let mut broken = Vec::new();
    let members: Vec<&Package> =
        metadata.packages.iter().filter(|package| metadata.workspace_members.contains(&package.id)).collect();
    let member_names: BTreeSet<&str> = members.iter().map(|package| package.name.as_str()).collect();
    for package in &members {
        broken.extend(manifest_faults(package));
        broken.extend(edge_faults(package, &member_names));
    }
    let names: BTreeMap<&str, &str> =
        metadata.packages.iter().map(|package| (package.id.as_str(), package.name.as_str())).collect();
    for package in &members {
        if PURE.contains(&package.name.as_str()) {
            for name in reachable(metadata, &package.id, &names).intersection(&IMPURE.into()) {
                broken.push(format!("{} reaches {name}: it decides from values alone", package.name));
            }
        }
    }
    for package in &members {
        let is_default = metadata.workspace_default_members.contains(&package.id);
        let is_apart = matches!(package.name.as_str(), "parquet-tables" | "benches" | "xtask");
        if is_default == is_apart {
            let should = if is_apart { "must stay out of" } else { "is missing in" };
            broken.push(format!("{} {should} default-members (Cargo.toml)", package.name));
        }
    }
    let mut binaries = Vec::new();
    for package in members.iter().filter(|package| metadata.workspace_default_members.contains(&package.id)) {
        for name in reachable(metadata, &package.id, &names).intersection(&HEAVY.into()) {
            broken.push(format!("{} reaches {name}, which is too heavy for the default build", package.name));
        }
        let bins = package.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "bin"));
        binaries.extend(bins.map(|target| target.name.as_str()));
    }
    if binaries != ["tiepoint"] {
        broken.push(format!("`cargo run` must find exactly the binary tiepoint, not {binaries:?}"));
    }
    for package in metadata.packages.iter().filter(|package| !metadata.workspace_members.contains(&package.id)) {
        if !package.license.as_deref().is_some_and(is_permissive) {
            broken.push(format!("{}: licence {:?} is not on the list", package.name, package.license));
        }
    }
    broken
}

fn manifest_faults(package: &Package) -> Vec<String> {
    let mut faults = Vec::new();
    if package.license.as_deref() != Some("MIT OR Apache-2.0") {
        faults.push(format!("{}: the licence is MIT OR Apache-2.0", package.name));
    }
    if package.description.as_deref().is_none_or(str::is_empty) {
        faults.push(format!("{}: no description", package.name));
    }
    if package.publish.as_ref().is_none_or(|registries| !registries.is_empty()) {
        faults.push(format!("{}: publish is not switched off", package.name));
    }
    faults
}

fn edge_faults(package: &Package, members: &BTreeSet<&str>) -> Vec<String> {
    let mut faults = Vec::new();
    let used = package.dependencies.iter().filter(|dependency| dependency.kind.as_deref() != Some("dev"));
    let allowed = MAY_USE.iter().find(|(name, _)| *name == package.name).map(|(_, allowed)| *allowed);
    let is_top = matches!(package.name.as_str(), "tiepoint" | "xtask" | "benches");
    if allowed.is_none() && !is_top {
        faults.push(format!("{}: not in the table of who may use whom (xtask/src/tidy/dependencies.rs)", package.name));
    }
    for dependency in used {
        let name = dependency.name.as_str();
        if members.contains(name) && !is_top && !allowed.is_some_and(|allowed| allowed.contains(&name)) {
            faults.push(format!("{} may not use {name}", package.name));
        }
        if let Some((_, owners)) = ONLY.iter().find(|(only, _)| *only == name)
            && !owners.contains(&package.name.as_str())
        {
            faults.push(format!("{} may not use {name}: only {owners:?} may", package.name));
        }
    }
    faults
}

/// Names of all packages that a package needs outside its tests.
fn reachable<'a>(metadata: &'a Metadata, start: &'a str, names: &BTreeMap<&'a str, &'a str>) -> BTreeSet<&'a str> {
    let nodes: BTreeMap<&str, &Node> = metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let mut seen = BTreeSet::from([start]);
    let mut open = vec![start];
    while let Some(id) = open.pop() {
        for dependency in nodes.get(id).map_or(&[][..], |node| &node.deps) {
            let in_tests_only = dependency.dep_kinds.iter().all(|kind| kind.kind.as_deref() == Some("dev"));
            if !in_tests_only && seen.insert(&dependency.pkg) {
                open.push(&dependency.pkg);
            }
        }
    }
    seen.into_iter().filter_map(|id| names.get(id).copied()).collect()
}

/// Whether an SPDX expression offers a licence under which the binary may be given away.
fn is_permissive(expression: &str) -> bool {
    const FREE: [&str; 13] = [
        "MIT",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Zlib",
        "Unlicense",
        "CC0-1.0",
        "Unicode-3.0",
        "0BSD",
        "BSL-1.0",
        "CDLA-Permissive-2.0",
    ];
    let alternatives = expression.replace('/', " OR ").replace(['(', ')'], "");
    let mut alternatives = alternatives.split(" OR ");
    alternatives.any(|alternative| alternative.split(" AND ").all(|licence| FREE.contains(&licence.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_read_as_spdx() {
        for free in [
            "MIT",
            "MIT/Apache-2.0",
            "Apache-2.0 OR ISC OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "GPL-3.0 OR MIT",
        ] {
            assert!(is_permissive(free), "{free}");
        }
        for other in ["GPL-3.0", "MIT AND GPL-2.0", "", "LicenseRef-Own"] {
            assert!(!is_permissive(other), "{other}");
        }
    }

    fn package(name: &str, uses: &[(&str, Option<&str>)]) -> Package {
        Package {
            id: name.to_owned(),
            name: name.to_owned(),
            license: Some("MIT OR Apache-2.0".to_owned()),
            description: Some("d".to_owned()),
            publish: Some(Vec::new()),
            dependencies: uses
                .iter()
                .map(|(name, kind)| Dependency { name: (*name).to_owned(), kind: kind.map(str::to_owned) })
                .collect(),
            targets: Vec::new(),
        }
    }

    #[test]
    fn forbidden_edges_are_named_and_those_of_tests_are_free() {
        let members = BTreeSet::from(["capture-model", "image-matcher", "local-archive"]);
        assert!(edge_faults(&package("image-matcher", &[("capture-model", None)]), &members).is_empty());
        assert!(edge_faults(&package("image-matcher", &[("local-archive", Some("dev"))]), &members).is_empty());
        let faults = edge_faults(&package("image-matcher", &[("local-archive", None), ("reqwest", None)]), &members);
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert_eq!(edge_faults(&package("utils", &[]), &members).len(), 1);
    }
}

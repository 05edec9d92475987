//! `cargo xtask model`: the service models of the pinned botocore, structure only, as the oracles of our tests.

mod cloudtrail;
mod iam;

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Map, Value};

use crate::{
    failure::Failure,
    house::{House, say},
    step::Step,
    tools::{self, BOTOCORE_SHA256, BOTOCORE_VERSION},
};

/// One model.
struct Model {
    /// Its folder in botocore, and the name of our file.
    service: &'static str,
    /// The version of the API, which is a folder too.
    version: &'static str,
    /// The operations that are kept; `None` keeps all.
    operations: Option<&'static [&'static str]>,
}

const MODELS: [Model; 4] = [
    Model { service: "kms", version: "2014-11-01", operations: None },
    Model { service: "iam", version: "2010-05-08", operations: Some(iam::OPERATIONS) },
    Model { service: "sts", version: "2011-06-15", operations: None },
    Model { service: "cloudtrail", version: "2013-11-01", operations: Some(cloudtrail::OPERATIONS) },
];

pub(crate) fn run(house: &House) -> Result<(), Failure> {
    (tools::BOTOCORE_SOURCE.ensure)(house)?;
    let mut sources = String::new();
    for model in &MODELS {
        let path = tools::service_model(house, model.service, model.version);
        let text = fs::read_to_string(&path).map_err(|error| Failure::file(&path, &error))?;
        let document: Value =
            serde_json::from_str(&text).map_err(|error| Failure::unreadable("the model", error))?;
        let structure = structure_of(document, model.operations)?;
        let pretty = serde_json::to_string_pretty(&structure)
            .map_err(|error| Failure::unreadable("the model", error))?;
        house.write(&format!("model/{}.json", model.service), &format!("{pretty}\n"))?;
        sources.push_str(&source(model, &sha256(house, &path)?));
    }
    house.write("model/ORIGIN.md", &origin(&sources))?;
    say("the files in model/ are written");
    Ok(())
}

/// A model without prose, and without what the operations that are kept do not need.
fn structure_of(mut model: Value, kept: Option<&[&str]>) -> Result<Value, Failure> {
    remove_documentation(&mut model);
    model.sort_all_objects();
    let Some(kept) = kept else { return Ok(model) };
    let operations = members_of(&mut model, "operations")?;
    if let Some(absent) = kept.iter().find(|name| !operations.contains_key(**name)) {
        return Err(Failure::unreadable("the model", format!("it has no operation {absent}")));
    }
    operations.retain(|name, _| kept.contains(&name.as_str()));
    let mut wanted: Vec<String> = operations.values().flat_map(shapes_named_in).collect();
    let shapes = members_of(&mut model, "shapes")?;
    let mut needed = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        if let Some(shape) = shapes.get(&name).filter(|_| needed.insert(name.clone())) {
            wanted.extend(shapes_named_in(shape));
        }
    }
    shapes.retain(|name, _| needed.contains(name));
    Ok(model)
}

fn members_of<'m>(model: &'m mut Value, name: &str) -> Result<&'m mut Map<String, Value>, Failure> {
    let absent = || Failure::unreadable("the model", format!("it has no {name}"));
    model.get_mut(name).and_then(Value::as_object_mut).ok_or_else(absent)
}

/// The shapes that a description refers to.
fn shapes_named_in(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => {
            let own = members.get("shape").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(members.values().flat_map(shapes_named_in)).collect()
        }
        Value::Array(items) => items.iter().flat_map(shapes_named_in).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// Removes the prose. A shape *member* called `documentation` would be an object, not text, and stays.
fn remove_documentation(value: &mut Value) {
    if let Value::Object(members) = value {
        if matches!(members.get("documentation"), Some(Value::String(_))) {
            members.remove("documentation");
        }
        members.values_mut().for_each(remove_documentation);
    } else if let Value::Array(items) = value {
        items.iter_mut().for_each(remove_documentation);
    }
}

fn source(model: &Model, hash: &str) -> String {
    let Model { service, version, .. } = model;
    format!(
        "| `{service}.json` | `botocore/data/{service}/{version}/service-2.json` |\n| SHA-256 of that file | `{hash}` |\n"
    )
}

fn origin(sources: &str) -> String {
    format!(
        "# Where these files come from

They are AWS's service models of KMS, IAM, STS and CloudTrail as botocore publishes them, with the `documentation` members
removed and the members of each object sorted. `iam.json` and `cloudtrail.json` have only the operations that the files in
`xtask/src/model` list, and the shapes that those need. They describe names, types, limits and errors. Tests hold our types
against them; no code is generated from them.

| | |
|---|---|
| Source | PyPI `botocore` {BOTOCORE_VERSION}, released 2026-11-17, `botocore-{BOTOCORE_VERSION}.tar.gz` |
| SHA-256 of the archive | `{BOTOCORE_SHA256}` |
{sources}| Made by | `cargo xtask model` |
| Licence | Apache-2.0, Copyright Amazon.com, Inc. or its affiliates (botocore's LICENSE.txt and NOTICE); changed by us as said above |
"
    )
}

fn sha256(house: &House, file: &Path) -> Result<String, Failure> {
    let program = "import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())";
    let output = Step::new(tools::python_of(house)).args(["-c", program]).arg(file).output()?;
    Ok(output.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{remove_documentation, structure_of};
    use serde_json::json;

    #[test]
    fn prose_goes_and_structure_stays() {
        let mut model = json!({"documentation": "p", "shapes": {"A": {"members": {"documentation": {"shape": "B"}},
            "enum": ["x"], "documentation": "q"}}, "list": [{"documentation": "r", "shape": "C"}]});
        remove_documentation(&mut model);
        let wanted = json!({"shapes": {"A": {"members": {"documentation": {"shape": "B"}}, "enum": ["x"]}},
            "list": [{"shape": "C"}]});
        assert_eq!(model, wanted);
    }

    #[test]
    fn shapes_that_no_kept_operation_needs_go() {
        let model = || {
            json!({
                "operations": {"Kept": {"input": {"shape": "A"}, "errors": [{"shape": "E"}]}, "Gone": {"input": {"shape": "G"}}},
                "shapes": {"A": {"members": {"L": {"shape": "L"}}}, "L": {"member": {"shape": "L"}}, "E": {}, "G": {}},
            })
        };
        let kept = structure_of(model(), Some(&["Kept"])).unwrap();
        let names = |group: &str| kept[group].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names("operations"), ["Kept"]);
        assert_eq!(names("shapes").len(), 3);
        assert!(kept["shapes"].get("G").is_none());
        assert!(structure_of(model(), Some(&["Absent"])).is_err());
        assert_eq!(structure_of(model(), None).unwrap(), model());
    }
}

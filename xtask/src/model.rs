//! `cargo xtask model`: the KMS service model of the pinned botocore, structure only, as the oracle of our tests.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{
    failure::Failure,
    house::{House, say},
    step::Step,
    tools::{self, BOTOCORE_SHA256, BOTOCORE_VERSION},
};

pub(crate) fn run(house: &House) -> Result<(), Failure> {
    (tools::BOTOCORE_SOURCE.ensure)(house)?;
    let path = tools::kms_model(house);
    let text = fs::read_to_string(&path).map_err(|error| Failure::file(&path, &error))?;
    let mut model: Value =
        serde_json::from_str(&text).map_err(|error| Failure::unreadable("the model", error))?;
    remove_documentation(&mut model);
    let pretty =
        serde_json::to_string_pretty(&model).map_err(|error| Failure::unreadable("the model", error))?;
    house.write("model/kms.json", &format!("{pretty}\n"))?;
    house.write("model/ORIGIN.md", &origin(house, &path)?)?;
    say("model/kms.json and model/ORIGIN.md written");
    Ok(())
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

fn origin(house: &House, source: &Path) -> Result<String, Failure> {
    let hash = sha256(house, source)?;
    Ok(format!(
        "# Where `kms.json` comes from

`kms.json` is AWS's KMS service model as botocore publishes it, with the `documentation` members removed and the
members of each object sorted. It describes names, types, limits and errors. Tests hold our types against it; no code is
generated from it.

| | |
|---|---|
| Source | PyPI `botocore` {BOTOCORE_VERSION}, released 2026-11-17, `botocore-{BOTOCORE_VERSION}.tar.gz` |
| SHA-256 of the archive | `{BOTOCORE_SHA256}` |
| File in it | `botocore/data/kms/2014-11-01/service-2.json` |
| SHA-256 of that file | `{hash}` |
| Made by | `cargo xtask model` |
| Licence | Apache-2.0, Copyright Amazon.com, Inc. or its affiliates (botocore's LICENSE.txt and NOTICE); changed by us as said above |
"
    ))
}

fn sha256(house: &House, file: &Path) -> Result<String, Failure> {
    let program = "import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())";
    let output = Step::new(tools::python_of(house)).args(["-c", program]).arg(file).output()?;
    Ok(output.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::remove_documentation;
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
}

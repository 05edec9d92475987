//! What the tests need besides Rust and a C compiler: one row a tool, installed only when a chosen stage wants it.

mod ansible;
mod botocore;
mod debian;
mod node;
mod python;
mod rust_sdk;

use std::{fmt, path::PathBuf};

use crate::{failure::Failure, house::House};

pub(crate) use ansible::collections as ansible_collections;
pub(crate) use botocore::{SHA256 as BOTOCORE_SHA256, VERSION as BOTOCORE_VERSION};
pub(crate) use botocore::{service_model, sigv4_suite};
pub(crate) use python::python_of;

/// Something to have before a stage can run.
pub(crate) struct Tool {
    /// What is printed.
    pub(crate) name: &'static str,
    /// Returns at once when it is there, installs it otherwise, and says what it installed.
    pub(crate) ensure: fn(&House) -> Result<(), Failure>,
}

impl fmt::Debug for Tool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

/// pytest, boto3, AWS CLI v1, the Encryption SDK and the other Python clients, pinned by `requirements.txt`.
pub(crate) static PYTHON_CLIENTS: Tool =
    Tool { name: "Python clients (.venv/clients)", ensure: |house| python::ensure(house, &python::CLIENTS) };

/// The Encryption SDK's command line wants an older SDK than `PYTHON_CLIENTS` has, so it lives alone.
pub(crate) static ENCRYPTION_CLI: Tool = Tool {
    name: "AWS Encryption CLI (.venv/encryption-cli)",
    ensure: |house| python::ensure(house, &python::ENCRYPTION_CLI),
};

/// AWS's SigV4 test suite and its service models come inside botocore's source distribution.
pub(crate) static BOTOCORE_SOURCE: Tool =
    Tool { name: "botocore source (target/botocore-sdist)", ensure: botocore::ensure };

/// Ansible's modules for AWS; `ansible-playbook` itself is one of `PYTHON_CLIENTS`.
pub(crate) static ANSIBLE_COLLECTION: Tool =
    Tool { name: "Ansible's amazon.aws (target/ansible-collections)", ensure: ansible::ensure };

/// The JavaScript SDK and Encryption SDK, pinned by `package-lock.json`.
pub(crate) static NODE_CLIENTS: Tool = Tool {
    name: "Node clients (tests/clients/node)",
    ensure: |house| node::ensure(house, "tests/clients/node"),
};

/// iam-simulate, which the policy proof asks over a pipe (AGPL-3.0: nothing links or ships it).
pub(crate) static POLICY_ORACLE: Tool = Tool {
    name: "policy oracle (tests/oracle/policy)",
    ensure: |house| node::ensure(house, "tests/oracle/policy"),
};

/// A program on the AWS SDK for Rust. A crate outside the workspace: what the SDK depends on is none of ours.
pub(crate) static RUST_SDK_CLIENT: Tool =
    Tool { name: "Rust SDK client (target/rust-sdk)", ensure: rust_sdk::ensure };

/// AWS CLI v2. Debian's is older than `AWS_ENDPOINT_URL`, so the tests pass `--endpoint-url`.
pub(crate) static AWS_CLI_2: Tool =
    Tool { name: "AWS CLI v2", ensure: |house| debian::aws_cli_2(house).map(|_| ()) };

/// Runs a client under another clock.
pub(crate) static FAKETIME: Tool =
    Tool { name: "faketime", ensure: |house| debian::ensure(house, "faketime", "faketime") };

/// Signs requests by itself (`--aws-sigv4`).
pub(crate) static CURL: Tool = Tool { name: "curl", ensure: |house| debian::ensure(house, "curl", "curl") };

/// Checks SM2, which Python's libraries lack.
pub(crate) static OPENSSL: Tool =
    Tool { name: "openssl", ensure: |house| debian::ensure(house, "openssl", "openssl") };

/// Where AWS CLI v2 is, for the client tests.
pub(crate) fn aws_cli_2(house: &House) -> Result<PathBuf, Failure> {
    debian::aws_cli_2(house)
}

/// The program that `RUST_SDK_CLIENT` builds.
pub(crate) fn rust_sdk_client(house: &House) -> PathBuf {
    rust_sdk::program(house)
}

/// The format of the crate that `RUST_SDK_CLIENT` builds.
pub(crate) fn rust_sdk_fmt_check(house: &House) -> Result<(), Failure> {
    rust_sdk::fmt_check(house)
}
